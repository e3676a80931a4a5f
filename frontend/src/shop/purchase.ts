/** One key for one purchase, kept until the API has responded. After a reload or a failure the same key is sent again,
 * and the API returns the order that it has already placed instead of a second one. */
import { ApiError } from "../api/problem";
import type { OrderView as Order } from "../api/schema";
import { type Memory, memory } from "../parts/memory";

export type { Order };

export interface PurchaseRequest {
  flight_id: string;
  seats: number;
  payment_method: string;
  expected_total: { amount: number; currency: string };
}

export interface Purchase {
  key: string;
  at: number;
  wanted: PurchaseRequest;
}

export type Store = Pick<Memory, "read" | "write">;

export interface Timing {
  pause: (ms: number) => Promise<void>;
  now: () => number;
}

const NAME = "purchases";
/** The API keeps keys for 24 h; an older one would buy a second time. */
export const KEPT_MS = 23 * 3_600_000;
export const PATIENCE_MS = 30_000;
export const PAUSE_MS = 1000;

export function interruptedPurchases(now: number, store: Store = memory): Purchase[] {
  return (store.read<Purchase[]>(NAME) ?? []).filter((one) => now - one.at < KEPT_MS);
}

export function startPurchase(wanted: PurchaseRequest, now: number, store: Store = memory): Purchase {
  const before = interruptedPurchases(now, store);
  const same = before.find((one) => isSame(one.wanted, wanted));
  if (same) return same;
  const made = { key: newKey(), at: now, wanted };
  store.write(NAME, [...before, made]);
  return made;
}

export function finishPurchase(key: string, now: number, store: Store = memory): void {
  store.write(
    NAME,
    interruptedPurchases(now, store).filter((one) => one.key !== key),
  );
}

/** Forgets all purchases. Another customer must not complete them: their keys would buy a second time. */
export function clearPurchases(store: Store = memory): void {
  store.write(NAME, []);
}

function isSame(one: PurchaseRequest, other: PurchaseRequest): boolean {
  return (
    one.flight_id === other.flight_id &&
    one.seats === other.seats &&
    one.payment_method === other.payment_method &&
    one.expected_total.amount === other.expected_total.amount &&
    one.expected_total.currency === other.expected_total.currency
  );
}

/** crypto.randomUUID() is missing where the page comes over plain HTTP from another machine. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** True while it is unknown whether the API has the order. Then only the same key may be sent again. */
export function isUndecided(error: unknown): boolean {
  return error instanceof ApiError && (error.transient || error.code === "idempotency_key_in_use");
}

/** Sends the purchase until the API has decided on it or the time is up. Calls `waiting` after each attempt without a
 * response. */
export async function buy(
  purchase: Purchase,
  send: (purchase: Purchase) => Promise<Order>,
  waiting: (error: unknown) => void,
  { pause, now }: Timing,
  store: Store = memory,
): Promise<Order> {
  const until = now() + PATIENCE_MS;
  for (;;) {
    try {
      const order = await send(purchase);
      finishPurchase(purchase.key, now(), store);
      return order;
    } catch (error) {
      if (!isUndecided(error)) {
        finishPurchase(purchase.key, now(), store);
        throw error;
      }
      if (now() > until) throw error;
      waiting(error);
      await pause(PAUSE_MS);
    }
  }
}
