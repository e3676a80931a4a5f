import type { Attempt } from "./attempt";
import { Failure } from "./Failure";
import type { Words } from "./words/en";

/** How the last attempt went, spoken when it changes. Its line is always there, so that nothing jumps. */
export function Outcome({ attempt, error, words }: { attempt: Attempt; error?: unknown; words: Words }) {
  const failed = attempt.error ?? error ?? null;
  return (
    <div class="control-outcome">
      <p role="status">{failed === null ? attempt.said : ""}</p>
      {failed !== null && <Failure error={failed} words={words} />}
    </div>
  );
}
