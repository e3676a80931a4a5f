import { ApiError, UNREACHABLE } from "../api/problem";
import { useTexts } from "../locale/lang";
import { TEXTS } from "./errorTexts";

interface Props {
  error: unknown;
  retry?: () => void;
}

/** Explains what went wrong and what to do about it. */
export function ErrorNotice({ error, retry }: Props) {
  const texts = useTexts(TEXTS);
  if (error === null || error === undefined) return null;
  const [title, advice] = textOf(error, texts);
  const detail = error instanceof ApiError && error.code !== UNREACHABLE ? error.message : "";
  return (
    <div class={isUnreachable(error) ? "notice calm" : "notice"} role="alert">
      <p>
        <strong>{title}</strong> {advice}
      </p>
      {detail && (
        <p class="hint">
          {texts.theApiSays} <q lang="en">{detail}</q>
        </p>
      )}
      {retry && (
        <p>
          <button type="button" onClick={retry}>
            {texts.again}
          </button>
        </p>
      )}
    </div>
  );
}

type Words = (typeof TEXTS)["en"];

function textOf(error: unknown, texts: Words): readonly [string, string] {
  if (isUnreachable(error)) return texts.unreachable;
  if (!(error instanceof ApiError)) return texts.bug;
  const found = texts.codes[error.code as keyof Words["codes"]];
  if (found) return found;
  return error.status >= 500 ? texts.failed : [`${error.title}.`, texts.otherAdvice];
}

function isUnreachable(error: unknown): boolean {
  return error instanceof ApiError && error.code === UNREACHABLE;
}
