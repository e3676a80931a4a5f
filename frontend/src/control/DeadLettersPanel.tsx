import { useState } from "preact/hooks";

import { usePolled } from "../parts/polled";
import { eventName } from "../workflow/saga";
import type { DeadLetterPage, DeadLetterStatus } from "../api/schema";
import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import { DeadLetterRow } from "./DeadLetterRow";
import type { DeadLetter } from "./deadLetters";
import { Outcome } from "./Outcome";
import type { Words } from "./words/en";

const STATUSES = ["NEW", "REPLAYED", "DISCARDED"] as const;

interface Props {
  api: ControlApi;
  words: Words;
  orderHref: (orderId: string) => string;
  /** The dead letter that the link points to. */
  focus: string | null;
}

/** Lists dead letters and lets an operator replay or discard them. */
export function DeadLettersPanel({ api, words, orderHref, focus }: Props) {
  const [status, setStatus] = useState<DeadLetterStatus | null>("NEW");
  const [older, setOlder] = useState<DeadLetterPage | null>(null);
  const { value, error, refresh } = usePolled(`dead letters ${status}`, () => api.deadLetters(status, null), 3000);
  const attempt = useAttempt();
  const { deadLetters } = words;

  const choose = (chosen: DeadLetterStatus | null) => {
    setStatus(chosen);
    setOlder(null);
  };
  const settle = async (work: () => Promise<unknown>, message: string) => {
    await attempt.run(work, () => message);
    setOlder(null);
    refresh();
  };
  const cursor = (older ?? value)?.next_cursor ?? null;
  const more = () =>
    void attempt.run(async () => {
      const page = await api.deadLetters(status, cursor);
      setOlder({ items: [...(older?.items ?? []), ...page.items], next_cursor: page.next_cursor });
    });
  const items = [...(value?.items ?? []), ...(older?.items ?? [])];

  return (
    <section class="control-card control-dead-letters" aria-labelledby="dead-letters-title" id="dead-letters">
      <h2 id="dead-letters-title">{deadLetters.title}</h2>
      <p class="hint">{deadLetters.hint}</p>
      <label class="control-filter">
        {deadLetters.status}
        <select
          value={status ?? ""}
          onChange={(event) => choose((event.currentTarget.value || null) as DeadLetterStatus | null)}
        >
          {STATUSES.map((one) => (
            <option key={one} value={one}>
              {deadLetters.statuses[one]}
            </option>
          ))}
          <option value="">{deadLetters.all}</option>
        </select>
      </label>
      <Outcome attempt={attempt} error={error} />
      {value && items.length === 0 && (
        <p class="control-empty">{status === "NEW" ? deadLetters.empty : deadLetters.emptyOf}</p>
      )}
      {items.length > 0 && (
        <Table items={items} api={api} words={words} orderHref={orderHref} focus={focus} settle={settle} />
      )}
      {cursor && (
        <button type="button" disabled={attempt.busy} onClick={more}>
          {deadLetters.more}
        </button>
      )}
    </section>
  );
}

interface TableProps extends Props {
  items: readonly DeadLetter[];
  settle: (work: () => Promise<unknown>, message: string) => Promise<void>;
}

function Table({ items, api, words, orderHref, focus, settle }: TableProps) {
  const { deadLetters } = words;
  const heads = [
    deadLetters.when,
    deadLetters.consumer,
    deadLetters.event,
    deadLetters.order,
    deadLetters.attempts,
    deadLetters.error,
    deadLetters.status,
  ];
  const event = (deadLetter: DeadLetter) => (deadLetter.type ? eventName(deadLetter.type) : deadLetters.unreadable);
  return (
    <table class="control-table">
      <caption class="visually-hidden">{deadLetters.title}</caption>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
          <th scope="col">{deadLetters.actions}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((deadLetter) => (
          <DeadLetterRow
            key={deadLetter.id}
            deadLetter={deadLetter}
            event={event(deadLetter)}
            heads={heads}
            api={api}
            words={words}
            focused={deadLetter.id === focus}
            href={deadLetter.order_id && orderHref(deadLetter.order_id)}
            replay={() => settle(() => api.replay(deadLetter.id), deadLetters.replayed(deadLetter.consumer))}
            discard={() => settle(() => api.discard(deadLetter.id), deadLetters.discarded)}
          />
        ))}
      </tbody>
    </table>
  );
}
