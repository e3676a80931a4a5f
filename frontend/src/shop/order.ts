/** What an order's status lets its owner do. */
import type { Order } from "./purchase";

export type Reversal = "cancel" | "refund";

export function isUnderWay({ status }: Pick<Order, "status">): boolean {
  return status === "CREATED" || status === "PAYMENT_AUTHORIZED" || status === "REFUND_PENDING";
}

export function reversalOf({ status }: Pick<Order, "status">): Reversal | null {
  if (status === "CREATED" || status === "PAYMENT_AUTHORIZED") return "cancel";
  return status === "COMPLETED" ? "refund" : null;
}

/** "payment_declined: card_declined" in words, as far as it is known; what a customer wrote stays as it is. */
export function reasonWords(reason: string, words: Readonly<Record<string, string>>): string {
  return words[reason.split(":")[0] ?? ""] ?? reason;
}

export type Tone = "good" | "bad" | "busy" | "calm";

export function tone(status: string): Tone {
  if (status === "COMPLETED") return "good";
  if (status === "CANCELLED") return "bad";
  return status === "REFUNDED" ? "calm" : "busy";
}
