import { useState } from "preact/hooks";

import { usePolled } from "../parts/polled";
import { eventName } from "../workflow/saga";
import type { DeadLetterPage, DeadLetterStatus } from "../api/schema";
import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import { LetterRow } from "./LetterRow";
import type { Letter } from "./letters";
import { Outcome } from "./Outcome";
import type { Words } from "./words/en";

const STATUSES = ["NEW", "REPLAYED", "DISCARDED"] as const;

interface Props {
  api: ControlApi;
  words: Words;
  orderHref: (orderId: string) => string;
  /** The letter that the reader came for. */
  focus: string | null;
}

/** What was put aside, and what becomes of it. */
export function LettersPanel({ api, words, orderHref, focus }: Props) {
  const [status, setStatus] = useState<DeadLetterStatus | null>("NEW");
  const [older, setOlder] = useState<DeadLetterPage | null>(null);
  const { value, error, refresh } = usePolled(`letters ${status}`, () => api.letters(status, null), 3000);
  const attempt = useAttempt();
  const { letters } = words;

  const choose = (chosen: DeadLetterStatus | null) => {
    setStatus(chosen);
    setOlder(null);
  };
  const settle = async (work: () => Promise<unknown>, say: string) => {
    await attempt.run(work, () => say);
    setOlder(null);
    refresh();
  };
  const cursor = (older ?? value)?.next_cursor ?? null;
  const more = () =>
    void attempt.run(async () => {
      const page = await api.letters(status, cursor);
      setOlder({ items: [...(older?.items ?? []), ...page.items], next_cursor: page.next_cursor });
    });
  const items = [...(value?.items ?? []), ...(older?.items ?? [])];

  return (
    <section class="control-card control-letters" aria-labelledby="letters-title" id="letters">
      <h2 id="letters-title">{letters.title}</h2>
      <p class="hint">{letters.hint}</p>
      <label class="control-filter">
        {letters.status}
        <select
          value={status ?? ""}
          onChange={(event) => choose((event.currentTarget.value || null) as DeadLetterStatus | null)}
        >
          {STATUSES.map((one) => (
            <option key={one} value={one}>
              {letters.statuses[one]}
            </option>
          ))}
          <option value="">{letters.all}</option>
        </select>
      </label>
      <Outcome attempt={attempt} error={error} />
      {value && items.length === 0 && <p class="control-empty">{status === "NEW" ? letters.empty : letters.emptyOf}</p>}
      {items.length > 0 && (
        <Table items={items} api={api} words={words} orderHref={orderHref} focus={focus} settle={settle} />
      )}
      {cursor && (
        <button type="button" disabled={attempt.busy} onClick={more}>
          {letters.more}
        </button>
      )}
    </section>
  );
}

interface TableProps extends Props {
  items: readonly Letter[];
  settle: (work: () => Promise<unknown>, say: string) => Promise<void>;
}

function Table({ items, api, words, orderHref, focus, settle }: TableProps) {
  const { letters } = words;
  const heads = [
    letters.when,
    letters.consumer,
    letters.event,
    letters.order,
    letters.attempts,
    letters.error,
    letters.status,
  ];
  const event = (letter: Letter) => (letter.type ? eventName(letter.type) : letters.unreadable);
  return (
    <table class="control-table">
      <caption class="visually-hidden">{letters.title}</caption>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
          <th scope="col">{letters.actions}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((letter) => (
          <LetterRow
            key={letter.id}
            letter={letter}
            event={event(letter)}
            heads={heads}
            api={api}
            words={words}
            focused={letter.id === focus}
            href={letter.order_id && orderHref(letter.order_id)}
            replay={() => settle(() => api.replay(letter.id), letters.replayed(letter.consumer))}
            discard={() => settle(() => api.discard(letter.id), letters.discarded)}
          />
        ))}
      </tbody>
    </table>
  );
}
