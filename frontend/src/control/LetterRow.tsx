import { useEffect, useRef, useState } from "preact/hooks";

import { Link } from "../router";
import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import { canDiscard, canReplay, type Content, type Forecast, type Letter, outlooks, pretty } from "./letters";
import { Outcome } from "./Outcome";
import type { Words } from "./words/en";

interface Props {
  letter: Letter;
  event: string;
  /** The heads of the columns, for the narrow form of the table. */
  heads: readonly string[];
  api: ControlApi;
  words: Words;
  href: string | null;
  focused: boolean;
  replay: () => Promise<void>;
  discard: () => Promise<void>;
}

type Opened = { kind: "record"; content: Content } | { kind: "plan"; plan: Forecast } | null;

export function LetterRow({ letter, event, heads, api, words, href, focused, replay, discard }: Props) {
  const [opened, setOpened] = useState<Opened>(null);
  const attempt = useAttempt();
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (focused) row.current?.scrollIntoView({ block: "center" });
  }, [focused]);
  const { letters, locale } = words;
  const show = () => attempt.run(async () => setOpened({ kind: "record", content: await api.letter(letter.id) }));
  const plan = () => attempt.run(async () => setOpened({ kind: "plan", plan: await api.plan(letter.id) }));
  const when = new Date(letter.created_at).toLocaleString(locale, { dateStyle: "short", timeStyle: "medium" });
  const status = letters.statuses[letter.status] ?? letter.status;
  const cells = [
    when,
    letter.consumer,
    event,
    href ? <Link href={href}>{letter.order_id!.slice(-8)}</Link> : "–",
    letter.attempts,
    <span class="control-error">{letter.error}</span>,
    letter.resolved_by ? `${status} ${letters.resolved(letter.resolved_by)}` : status,
  ];
  const about = letters.about(event, letter.consumer);
  const toggled = (kind: "record" | "plan", open: () => Promise<void>) => () =>
    opened?.kind === kind ? setOpened(null) : void open();
  return (
    <>
      <tr ref={row} class={focused ? "focused" : ""} data-letter={letter.id}>
        {cells.map((cell, index) => (
          <td key={index} data-head={heads[index]}>
            {cell}
          </td>
        ))}
        <td data-head={letters.actions}>
          <div class="control-buttons">
            <button
              type="button"
              aria-expanded={opened?.kind === "record"}
              aria-label={`${opened?.kind === "record" ? letters.hide : letters.show}: ${about}`}
              onClick={toggled("record", show)}
            >
              {opened?.kind === "record" ? letters.hide : letters.show}
            </button>
            <button
              type="button"
              aria-expanded={opened?.kind === "plan"}
              aria-label={`${letters.plan}: ${about}`}
              onClick={toggled("plan", plan)}
            >
              {letters.plan}
            </button>
            <button
              type="button"
              class="primary"
              disabled={!canReplay(letter)}
              aria-label={`${letters.replay}: ${about}`}
              onClick={() => void replay()}
            >
              {letters.replay}
            </button>
            {canDiscard(letter) && <Discard about={about} words={words} discard={discard} />}
          </div>
        </td>
      </tr>
      {(opened || attempt.error !== null) && (
        <tr class="control-opened">
          <td colSpan={heads.length + 1}>
            <Outcome attempt={attempt} />
            {opened?.kind === "record" && <Record content={opened.content} words={words} />}
            {opened?.kind === "plan" && <Plan plan={opened.plan} words={words} />}
          </td>
        </tr>
      )}
    </>
  );
}

/** Asks once more: what is discarded is never handled. */
function Discard({ about, words, discard }: { about: string; words: Words; discard: () => Promise<void> }) {
  const [asked, setAsked] = useState(false);
  const { letters } = words;
  if (!asked) {
    return (
      <button type="button" aria-label={`${letters.discard}: ${about}`} onClick={() => setAsked(true)}>
        {letters.discard}
      </button>
    );
  }
  return (
    <>
      <button type="button" class="danger" aria-label={`${letters.sure} ${about}`} onClick={() => void discard()}>
        {letters.sure}
      </button>
      <button type="button" onClick={() => setAsked(false)}>
        {letters.keep}
      </button>
    </>
  );
}

function Record({ content, words }: { content: Content; words: Words }) {
  const { letters } = words;
  const { letter, key, value, headers } = content;
  return (
    <div class="control-record">
      <h3>{letters.record}</h3>
      <dl>
        <dt>{letters.place}</dt>
        <dd>
          <code>{`${letter.topic}[${letter.partition}]@${letter.offset}`}</code>
        </dd>
        <dt>{letters.key}</dt>
        <dd>
          <code>{key ?? "–"}</code>
        </dd>
        <dt>{letters.error}</dt>
        <dd>{letter.error}</dd>
      </dl>
      <h4>{letters.value}</h4>
      <pre tabIndex={0}>{pretty(value)}</pre>
      <h4>{letters.headers}</h4>
      <pre tabIndex={0}>
        {Object.entries(headers)
          .map(([name, text]) => `${name}: ${text}`)
          .join("\n")}
      </pre>
    </div>
  );
}

function Plan({ plan, words }: { plan: Forecast; words: Words }) {
  const { letters, outlooks: said } = words;
  return (
    <div class="control-plan" data-testid="plan">
      <h3>{letters.planTitle}</h3>
      <ul>
        {outlooks(plan).map((one) => (
          <li key={one}>{said[one]}</li>
        ))}
      </ul>
    </div>
  );
}
