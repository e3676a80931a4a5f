import { ApiError, UNREACHABLE } from "../api/problem";
import type { Words } from "./words/en";

/** What went wrong, and what helps if something does. */
export function Failure({ error, words }: { error: unknown; words: Words }) {
  return (
    <p class="control-warning" role="alert">
      {explained(error, words)}
    </p>
  );
}

function explained(error: unknown, { failures }: Words): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.code === UNREACHABLE) return failures.unreachable;
  if (error.code === "demo_auth_off") return failures.forbidden;
  return failures.other(error.title, error.message);
}
