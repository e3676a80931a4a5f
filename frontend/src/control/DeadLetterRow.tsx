import { useEffect, useRef, useState } from "preact/hooks";

import { Link } from "../router";
import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import {
  canDiscard,
  canReplay,
  type Content,
  type Forecast,
  type DeadLetter,
  replayNotes,
  pretty,
} from "./deadLetters";
import { Outcome } from "./Outcome";
import type { Words } from "./words/en";

interface Props {
  deadLetter: DeadLetter;
  event: string;
  /** The column headings, for the narrow layout of the table. */
  heads: readonly string[];
  api: ControlApi;
  words: Words;
  href: string | null;
  focused: boolean;
  replay: () => Promise<void>;
  discard: () => Promise<void>;
}

type Opened = { kind: "record"; content: Content } | { kind: "plan"; plan: Forecast } | null;

export function DeadLetterRow({ deadLetter, event, heads, api, words, href, focused, replay, discard }: Props) {
  const [opened, setOpened] = useState<Opened>(null);
  const attempt = useAttempt();
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (focused) row.current?.scrollIntoView({ block: "center" });
  }, [focused]);
  const { deadLetters, locale } = words;
  const show = () =>
    attempt.run(async () => setOpened({ kind: "record", content: await api.deadLetter(deadLetter.id) }));
  const plan = () => attempt.run(async () => setOpened({ kind: "plan", plan: await api.plan(deadLetter.id) }));
  const when = new Date(deadLetter.created_at).toLocaleString(locale, { dateStyle: "short", timeStyle: "medium" });
  const status = deadLetters.statuses[deadLetter.status] ?? deadLetter.status;
  const cells = [
    when,
    deadLetter.consumer,
    event,
    href ? <Link href={href}>{deadLetter.order_id!.slice(-8)}</Link> : "–",
    deadLetter.attempts,
    <span class="control-error">{deadLetter.error}</span>,
    deadLetter.resolved_by ? `${status} ${deadLetters.resolved(deadLetter.resolved_by)}` : status,
  ];
  const about = deadLetters.about(event, deadLetter.consumer);
  const toggled = (kind: "record" | "plan", open: () => Promise<void>) => () =>
    opened?.kind === kind ? setOpened(null) : void open();
  return (
    <>
      <tr ref={row} class={focused ? "focused" : ""} data-dead-letter={deadLetter.id}>
        {cells.map((cell, index) => (
          <td key={index} data-head={heads[index]}>
            {cell}
          </td>
        ))}
        <td data-head={deadLetters.actions}>
          <div class="control-buttons">
            <button
              type="button"
              aria-expanded={opened?.kind === "record"}
              aria-label={`${opened?.kind === "record" ? deadLetters.hide : deadLetters.show}: ${about}`}
              onClick={toggled("record", show)}
            >
              {opened?.kind === "record" ? deadLetters.hide : deadLetters.show}
            </button>
            <button
              type="button"
              aria-expanded={opened?.kind === "plan"}
              aria-label={`${deadLetters.plan}: ${about}`}
              onClick={toggled("plan", plan)}
            >
              {deadLetters.plan}
            </button>
            <button
              type="button"
              class="primary"
              disabled={!canReplay(deadLetter)}
              aria-label={`${deadLetters.replay}: ${about}`}
              onClick={() => void replay()}
            >
              {deadLetters.replay}
            </button>
            {canDiscard(deadLetter) && <Discard about={about} words={words} discard={discard} />}
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

/** Asks for confirmation, because a discarded message is never handled. */
function Discard({ about, words, discard }: { about: string; words: Words; discard: () => Promise<void> }) {
  const [asked, setAsked] = useState(false);
  const { deadLetters } = words;
  if (!asked) {
    return (
      <button type="button" aria-label={`${deadLetters.discard}: ${about}`} onClick={() => setAsked(true)}>
        {deadLetters.discard}
      </button>
    );
  }
  return (
    <>
      <button type="button" class="danger" aria-label={`${deadLetters.sure} ${about}`} onClick={() => void discard()}>
        {deadLetters.sure}
      </button>
      <button type="button" onClick={() => setAsked(false)}>
        {deadLetters.keep}
      </button>
    </>
  );
}

function Record({ content, words }: { content: Content; words: Words }) {
  const { deadLetters } = words;
  const { letter: deadLetter, key, value, headers } = content;
  return (
    <div class="control-record">
      <h3>{deadLetters.record}</h3>
      <dl>
        <dt>{deadLetters.place}</dt>
        <dd>
          <code>{`${deadLetter.topic}[${deadLetter.partition}]@${deadLetter.offset}`}</code>
        </dd>
        <dt>{deadLetters.key}</dt>
        <dd>
          <code>{key ?? "–"}</code>
        </dd>
        <dt>{deadLetters.error}</dt>
        <dd>{deadLetter.error}</dd>
      </dl>
      <h4>{deadLetters.value}</h4>
      <pre tabIndex={0}>{pretty(value)}</pre>
      <h4>{deadLetters.headers}</h4>
      <pre tabIndex={0}>
        {Object.entries(headers)
          .map(([name, text]) => `${name}: ${text}`)
          .join("\n")}
      </pre>
    </div>
  );
}

function Plan({ plan, words }: { plan: Forecast; words: Words }) {
  const { deadLetters, replayNotes: texts } = words;
  return (
    <div class="control-plan" data-testid="plan">
      <h3>{deadLetters.planTitle}</h3>
      <ul>
        {replayNotes(plan).map((one) => (
          <li key={one}>{texts[one]}</li>
        ))}
      </ul>
    </div>
  );
}
