import { ApiError } from "../api/problem";
import { ErrorNotice } from "../parts/ErrorNotice";
import type { Attempt } from "./attempt";

/** The result of the last action or the reason why nothing is shown, announced when it changes. The line always has
 * its place, so that the layout does not shift. */
export function Outcome({ attempt, error = null }: { attempt: Attempt; error?: unknown }) {
  const failed = attempt.error ?? (isTransient(error) ? null : error);
  return (
    <div class="control-outcome">
      <p role="status">{failed === null ? attempt.message : ""}</p>
      <ErrorNotice error={failed} />
    </div>
  );
}

/** The view header reports that the API is unavailable; the last known data stays. */
function isTransient(error: unknown): boolean {
  return error instanceof ApiError && error.transient;
}
