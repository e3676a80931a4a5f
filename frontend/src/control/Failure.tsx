import type { Words } from "./words/en";

/** What went wrong, in the API's words. */
export function Failure({ error }: { error: unknown; words: Words }) {
  const text = error instanceof Error ? error.message : String(error);
  return (
    <p class="control-warning" role="alert">
      {text}
    </p>
  );
}
