import { ApiError } from "../api/problem";
import { Trouble } from "../parts/Trouble";
import type { Attempt } from "./attempt";

/** How the last attempt went, or why nothing can be shown, spoken when it changes. Its line is always there, so that nothing jumps. */
export function Outcome({ attempt, error = null }: { attempt: Attempt; error?: unknown }) {
  const failed = attempt.error ?? (isPassing(error) ? null : error);
  return (
    <div class="control-outcome">
      <p role="status">{failed === null ? attempt.said : ""}</p>
      <Trouble error={failed} />
    </div>
  );
}

/** The head of the view says that the API is away; what was known of it stays. */
function isPassing(error: unknown): boolean {
  return error instanceof ApiError && error.passing;
}
