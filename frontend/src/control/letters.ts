/** Dead letters and what a replay of one would meet. */
import type { Forecast, DeadLetterContent as Content, DeadLetterView as Letter } from "../api/schema";

export type { Content, Forecast, Letter };

export type Outlook = "fine" | "handled" | "forgotten" | "late" | "finished";

/** What to say of a replay, the gravest first; "fine" when nothing stands against it. */
export function outlooks(plan: Omit<Forecast, "letter">): readonly Outlook[] {
  const found: Outlook[] = [];
  if (plan.handled) found.push("handled");
  if (plan.older_than_inbox) found.push("forgotten");
  if (plan.after_later_event) found.push("late");
  if (plan.order_finished) found.push("finished");
  return found.length ? found : ["fine"];
}

/** Without readable ids nobody knows which event it is. What was replayed is on its way already. */
export function canReplay(letter: Letter): boolean {
  return letter.event_id !== null && letter.status !== "REPLAYED";
}

export function canDiscard(letter: Letter): boolean {
  return letter.status === "NEW";
}

/** JSON is shown indented; anything else as it is. */
export function pretty(value: string | null): string {
  if (value === null) return "";
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}
