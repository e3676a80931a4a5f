/** What a status of a payment means. The API says it of the payment as it is now; here it is for one as it was. */
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

/** Released, or on its way to be: no event can ask anything else of it. */
export function isGivenUp({ awaiting, outcome }: Meaning): boolean {
  return awaiting === "release" || outcome === "released";
}
