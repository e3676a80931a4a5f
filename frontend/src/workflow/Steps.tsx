import { useEffect, useState } from "preact/hooks";

import type { Words } from "./words/en";

const PACE_MS = 2500;

interface Props {
  /** null: now. */
  step: number | null;
  count: number;
  choose: (step: number | null) => void;
  words: Words;
}

/** Steps through the moments, one at a time or all of them slowly. */
export function Steps({ step, count, choose, words }: Props) {
  const [playing, setPlaying] = useState(false);
  const { ui } = words;
  const forward = () => choose(step === null || step + 1 >= count ? null : step + 1);
  useEffect(() => {
    if (!playing) return undefined;
    if (step === null) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(forward, PACE_MS);
    return () => clearTimeout(timer);
  }, [playing, step, count]);

  const play = () => {
    if (!playing && step === null) choose(0);
    setPlaying(!playing);
  };
  const go = (where: number | null) => () => {
    setPlaying(false);
    choose(where);
  };
  const before = step === null ? count - 1 : step - 1;
  return (
    <div class="saga-steps" role="group" aria-label={ui.timelineHint}>
      <button type="button" class="primary" onClick={play} disabled={count === 0}>
        {playing ? `❚❚ ${ui.pause}` : `▶ ${ui.play}`}
      </button>
      <button type="button" onClick={go(0)} disabled={step === 0 || count === 0}>
        |◀<span class="visually-hidden"> {ui.first}</span>
      </button>
      <button type="button" onClick={go(Math.max(before, 0))} disabled={step === 0 || count === 0}>
        ◀<span class="visually-hidden"> {ui.previous}</span>
      </button>
      <button type="button" onClick={go(step === null || step + 1 >= count ? null : step + 1)} disabled={step === null}>
        ▶<span class="visually-hidden"> {ui.next}</span>
      </button>
      <button type="button" onClick={go(null)} disabled={step === null}>
        {ui.latest}
      </button>
    </div>
  );
}
