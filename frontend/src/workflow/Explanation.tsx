import { useState } from "preact/hooks";

import { Link } from "../router";
import type { WaitingFor } from "./flow";
import type { Scene } from "./scene";
import { commandFor, sceneOfWaiting } from "./waiting";
import { until } from "./words/format";
import type { Words } from "./words/en";

interface Props {
  scene: Scene;
  words: Words;
  /** The number of the explained moment, and the number of moments; null: now. */
  step: { number: number; of: number } | null;
}

/** Explains what is happening and why. Announced when it changes. */
export function Explanation({ scene, words, step }: Props) {
  const { ui } = words;
  const text = words.scene(scene);
  const place = step ? ui.at.replace("{n}", String(step.number)).replace("{all}", String(step.of)) : ui.latest;
  return (
    <section class="saga-explanation" aria-labelledby="explanation-title">
      <h2 id="explanation-title">
        {ui.now} <span class="saga-chip">{place}</span>
      </h2>
      <div role="status" data-testid="explanation">
        <h3>{text.title}</h3>
        <p>{text.what}</p>
        {text.why && (
          <p class="saga-why">
            <strong>{ui.why}.</strong> {text.why}
          </p>
        )}
      </div>
    </section>
  );
}

interface WaitingProps {
  /** null: the order waits for nothing. */
  found: WaitingFor | null;
  words: Words;
  now: number;
  /** The dead letter in the control room, if the order waits for one. */
  deadLetterHref: string | null;
}

/** When the order continues by itself, and what an operator can do. */
export function WaitingPanel({ found, words, now, deadLetterHref }: WaitingProps) {
  const { ui } = words;
  const left = found?.until && until(found.until, now, words.lang);
  const command = found && commandFor(found);
  return (
    <section class="saga-waiting" aria-labelledby="waiting-title" data-testid="waiting">
      <h2 id="waiting-title">{ui.waitsFor}</h2>
      {found === null ? (
        <p>{ui.forNothing}</p>
      ) : (
        <>
          <p>{words.scene(sceneOfWaiting(found)).title}</p>
          <dl>
            {found.until && <dt>{ui.movesBy}</dt>}
            {found.until && <dd class="saga-countdown">{left ? ui.inTime(left) : ui.anyMoment}</dd>}
            {command && <dt>{ui.command}</dt>}
            {command && (
              <dd>
                <Command key={command} text={command} words={words} />
                {deadLetterHref && <Link href={deadLetterHref}>{ui.openDeadLetter}</Link>}
              </dd>
            )}
          </dl>
        </>
      )}
    </section>
  );
}

function Command({ text, words }: { text: string; words: Words }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <span class="saga-command">
      <code>{text}</code>
      <button type="button" onClick={() => void copy()}>
        {copied ? words.ui.copied : words.ui.copy}
      </button>
    </span>
  );
}
