import { useEffect, useRef, useState } from "preact/hooks";

import type { Chaos, FaultPointState } from "../api/schema";
import { usePolled } from "../parts/polled";
import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import { Outcome } from "./Outcome";
import type { Words } from "./words/en";

/** A slider is saved when it has not moved for this long. */
const SETTLE_MS = 300;

/** A slider per fault point. Changes by others appear within seconds. */
export function ChaosPanel({ api, words }: { api: ControlApi; words: Words }) {
  const { value, error, refresh } = usePolled("chaos", () => api.chaos(), 5000);
  const [answer, setAnswer] = useState<Chaos | null>(null);
  const attempt = useAttempt();
  useEffect(() => setAnswer(value), [value]);
  const { chaos } = words;
  const percent = (rate: number) => new Intl.NumberFormat(words.locale, { style: "percent" }).format(rate);

  const change = (rates: Record<string, number | null>, message: string) =>
    attempt.run(
      async () => {
        setAnswer(await api.setChaos(rates));
        refresh();
      },
      () => message,
    );
  const all = (rate: 0 | null) => Object.fromEntries((answer?.points ?? []).map(({ point }) => [point, rate]));

  return (
    <section
      class="control-card control-chaos"
      aria-labelledby="chaos-title"
      aria-busy={answer === null && error === null}
    >
      <h2 id="chaos-title">{chaos.title}</h2>
      <p class="hint">{chaos.hint}</p>
      {answer && !answer.allowed && <p class="control-warning">{chaos.forbidden}</p>}
      <div class="control-buttons">
        <button
          type="button"
          disabled={!answer?.allowed || attempt.busy}
          onClick={() => void change(all(0), chaos.allOff)}
        >
          {chaos.off}
        </button>
        <button
          type="button"
          disabled={!answer?.allowed || attempt.busy}
          onClick={() => void change(all(null), chaos.allReset)}
        >
          {chaos.reset}
        </button>
      </div>
      <Outcome attempt={attempt} error={error} />
      <ul class="control-points">
        {(answer?.points ?? []).map((state) => (
          <Slider
            key={state.point}
            state={state}
            words={words}
            percent={percent}
            disabled={!answer!.allowed}
            change={(rate) => change({ [state.point]: rate }, chaos.saved(state.point, percent(rate)))}
          />
        ))}
      </ul>
    </section>
  );
}

interface SliderProps {
  state: FaultPointState;
  words: Words;
  percent: (rate: number) => string;
  disabled: boolean;
  change: (rate: number) => Promise<void>;
}

function Slider({ state, words, percent, disabled, change }: SliderProps) {
  const { point, effective, configured, set_by: setBy } = state;
  // The value being chosen; null while the server's value is shown.
  const [chosen, setChosen] = useState<number | null>(null);
  const shown = chosen ?? effective;
  const { title, what } = words.points[point] ?? { title: point, what: "" };
  const save = useRef(change);
  save.current = change;
  useEffect(() => {
    if (chosen === null) return undefined;
    let newer = false;
    const timer = setTimeout(() => void save.current(chosen).then(() => newer || setChosen(null)), SETTLE_MS);
    return () => {
      newer = true;
      clearTimeout(timer);
    };
  }, [chosen]);
  return (
    <li class={shown > 0 ? "on" : ""}>
      <label for={`chaos-${point}`}>
        {title} <code>{point}</code>
      </label>
      <div class="control-slider">
        <input
          id={`chaos-${point}`}
          type="range"
          min="0"
          max="100"
          step="5"
          value={Math.round(shown * 100)}
          disabled={disabled}
          aria-valuetext={percent(shown)}
          aria-describedby={`chaos-what-${point}`}
          onInput={(event) => setChosen(Number(event.currentTarget.value) / 100)}
        />
        <output for={`chaos-${point}`}>{percent(shown)}</output>
      </div>
      <p class="hint" id={`chaos-what-${point}`}>
        {`${what} (${words.chaos.configured(percent(configured))}${setBy ? `, ${words.chaos.setBy(setBy)}` : ""})`}
      </p>
    </li>
  );
}
