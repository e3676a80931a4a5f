/** Dead letters, and what an operator should know before a replay. */
import type { Forecast, DeadLetterContent as Content, DeadLetterView as DeadLetter } from "../api/schema";

export type { Content, Forecast, DeadLetter };

export type ReplayNote = "fine" | "handled" | "forgotten" | "late" | "finished";

/** Notes on a replay, the most serious first; "fine" if there is no reason against it. */
export function replayNotes(plan: Omit<Forecast, "letter">): readonly ReplayNote[] {
  const found: ReplayNote[] = [];
  if (plan.handled) found.push("handled");
  if (plan.older_than_inbox) found.push("forgotten");
  if (plan.after_later_event) found.push("late");
  if (plan.order_finished) found.push("finished");
  return found.length ? found : ["fine"];
}

/** A dead letter without a readable event id cannot be replayed, and a replayed one is already on its way. */
export function canReplay(deadLetter: DeadLetter): boolean {
  return deadLetter.event_id !== null && deadLetter.status !== "REPLAYED";
}

export function canDiscard(deadLetter: DeadLetter): boolean {
  return deadLetter.status === "NEW";
}

/** Indents JSON; returns anything else unchanged. */
export function pretty(value: string | null): string {
  if (value === null) return "";
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}
