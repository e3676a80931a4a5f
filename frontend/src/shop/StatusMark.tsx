import { useTexts } from "../locale/lang";
import { tone } from "./order";
import { TEXTS } from "./texts";

export function StatusMark({ status }: { status: string }) {
  const texts = useTexts(TEXTS);
  return (
    <span class={`status ${tone(status)}`} data-status={status}>
      {texts.statuses[status] ?? status}
    </span>
  );
}
