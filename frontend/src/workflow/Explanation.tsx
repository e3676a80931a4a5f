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
  /** Which moment of how many is told of; null: now. */
  step: { number: number; of: number } | null;
}

/** What is happening, and why. Spoken when it changes. */
export function Explanation({ scene, words, step }: Props) {
  const { ui } = words;
  const told = words.scene(scene);
  const place = step ? ui.at.replace("{n}", String(step.number)).replace("{all}", String(step.of)) : ui.latest;
  return (
    <section class="saga-told" aria-labelledby="told-title">
      <h2 id="told-title">
        {ui.now} <span class="saga-chip">{place}</span>
      </h2>
      <div role="status" data-testid="told">
        <h3>{told.title}</h3>
        <p>{told.what}</p>
        {told.why && (
          <p class="saga-why">
            <strong>{ui.why}.</strong> {told.why}
          </p>
        )}
      </div>
    </section>
  );
}

interface WaitingProps {
  /** null: nothing is waited for. */
  found: WaitingFor | null;
  words: Words;
  now: number;
  /** Where the dead letter can be dealt with, if that is what it waits for. */
  letterHref: string | null;
}

/** When it goes on by itself, and what an operator can do. */
export function WaitingPanel({ found, words, now, letterHref }: WaitingProps) {
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
                {letterHref && <Link href={letterHref}>{ui.toLetter}</Link>}
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
