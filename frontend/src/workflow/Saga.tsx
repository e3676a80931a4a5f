import { useEffect, useMemo, useState } from "preact/hooks";

import { snapshotAt } from "./snapshot";
import { bars } from "./bars";
import { Explanation, WaitingPanel } from "./Explanation";
import type { Workflow } from "./flow";
import { BOXES, graph, isQuiet } from "./graph";
import { moments as momentsOf } from "./moments";
import { SagaGraph } from "./SagaGraph";
import { sceneNow, sceneOf } from "./scene";
import { Steps } from "./Steps";
import { Timeline } from "./Timeline";
import type { Words } from "./words/en";

const TICK_MS = 200;

interface Props {
  flow: Workflow;
  words: Words;
  deadLetterHref: (letterId: string) => string;
}

/** The saga of an order as it is now, or as it was at a chosen moment. */
export function Saga({ flow, words, deadLetterHref }: Props) {
  const [step, setStep] = useState<number | null>(null);
  const moments = useMemo(() => momentsOf(flow, Date.now()), [flow]);
  const chosen = step === null ? null : (moments[Math.min(step, moments.length - 1)] ?? null);
  const index = chosen === null ? null : moments.indexOf(chosen);
  const now = useNow(index === null && !isQuiet(flow, Date.now()));
  const shown = useMemo(() => (index === null ? flow : snapshotAt(flow, moments, index)), [flow, moments, index]);
  const drawn = graph(shown, now);
  const found = flow.waiting_for;
  return (
    <div class="saga">
      <div class="saga-now">
        <Explanation
          scene={chosen ? sceneOf(chosen) : sceneNow(flow)}
          words={words}
          step={index === null ? null : { number: index + 1, of: moments.length }}
        />
        <WaitingPanel
          found={found}
          words={words}
          now={now}
          deadLetterHref={found?.kind === "dead_letter" ? deadLetterHref(found.id) : null}
        />
      </div>
      <Steps step={index} count={moments.length} choose={setStep} words={words} />
      <SagaGraph graph={drawn} words={words} now={now} focus={chosen?.box ?? null} />
      <Timeline
        moments={moments}
        bars={bars(graph(flow, now).traces, now)}
        words={words}
        step={index}
        choose={setStep}
      />
      <Glossary words={words} />
    </div>
  );
}

function Glossary({ words }: { words: Words }) {
  return (
    <details class="saga-glossary">
      <summary>{words.ui.whatAreThese}</summary>
      <dl>
        {BOXES.map((id) => (
          <div key={id}>
            <dt>{words.boxes[id]}</dt>
            <dd>{words.glossary[id]}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">{words.ui.retention}</p>
    </details>
  );
}

/** The time, moving only while something counts down or grows. */
function useNow(moving: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!moving) return undefined;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [moving]);
  return now;
}
