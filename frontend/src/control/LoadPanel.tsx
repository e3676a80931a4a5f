import { useState } from "preact/hooks";

import { usePolled } from "../parts/polled";
import { until } from "../workflow/words/format";
import type { LoadState as Load } from "../api/schema";
import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import { Outcome } from "./Outcome";
import type { Words } from "./words/en";

/** Starts and stops generated orders: bounded, one load at a time. */
export function LoadPanel({ api, words }: { api: ControlApi; words: Words }) {
  const { value, error, refresh } = usePolled("load", () => api.load(), 1000);
  const [rate, setRate] = useState(20);
  const [seconds, setSeconds] = useState(30);
  const attempt = useAttempt();
  const { load } = words;
  const running = value?.running ?? false;
  const start = (event: Event) => {
    event.preventDefault();
    void attempt.run(() => api.startLoad(rate, seconds)).then(refresh);
  };
  const stop = () => void attempt.run(() => api.stopLoad()).then(refresh);
  return (
    <section class="control-card" aria-labelledby="load-title">
      <h2 id="load-title">{load.title}</h2>
      <p class="hint">{load.hint}</p>
      <form class="control-load" onSubmit={start}>
        <Field id="load-rate" label={load.rate} max={200} value={rate} set={setRate} />
        <Field id="load-seconds" label={load.seconds} max={120} value={seconds} set={setSeconds} />
        <div class="control-buttons">
          <button type="submit" class="primary" disabled={running || attempt.busy}>
            {load.start}
          </button>
          <button type="button" disabled={!running || attempt.busy} onClick={stop}>
            {load.stop}
          </button>
        </div>
      </form>
      <LoadStatus state={value} words={words} />
      <Outcome attempt={attempt} error={error} />
    </section>
  );
}

function Field({
  id,
  label,
  max,
  value,
  set,
}: {
  id: string;
  label: string;
  max: number;
  value: number;
  set: (value: number) => void;
}) {
  return (
    <label for={id}>
      {label}
      <input
        id={id}
        type="number"
        min="1"
        max={max}
        required
        value={value}
        onInput={(event) => set(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}

function LoadStatus({ state, words }: { state: Load | null; words: Words }) {
  const { load, lang, locale } = words;
  if (state === null) return <p data-testid="load">…</p>;
  const number = new Intl.NumberFormat(locale);
  const done = load.done(number.format(state.accepted), number.format(state.failed));
  const left = (state.ends_at && until(state.ends_at, Date.now(), lang)) ?? "…";
  return (
    <p data-testid="load">
      {state.running
        ? `${load.running(state.rate ?? 0, left)}: ${done}`
        : state.started_at
          ? load.last(done)
          : load.idle}
      {state.error && <span class="control-warning">{state.error}</span>}
    </p>
  );
}
