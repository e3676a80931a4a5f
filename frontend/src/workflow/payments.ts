/** The meaning of a payment status. The API states it for the current payment; this is for an earlier one. */
import type { Payment } from "./flow";

export type Call = NonNullable<Payment["awaiting"]>;
type Meaning = Pick<Payment, "awaiting" | "outcome">;

const AWAITING: Readonly<Record<string, Call>> = {
  REQUESTED: "authorize",
  CAPTURING: "capture",
  VOIDING: "release",
  REFUNDING: "release",
};
const OUTCOMES: Readonly<Record<string, NonNullable<Payment["outcome"]>>> = {
  CAPTURED: "captured",
  DECLINED: "released",
  VOIDED: "released",
  REFUNDED: "released",
};

export function meaning(status: string): Meaning {
  return { awaiting: AWAITING[status] ?? null, outcome: OUTCOMES[status] ?? null };
}

/** Released or being released: no event can start another call. */
export function isGivenUp({ awaiting, outcome }: Meaning): boolean {
  return awaiting === "release" || outcome === "released";
}
