import { describe, expect, it } from "vitest";

import { ApiError, unreachable } from "../api/problem";
import {
  clearPurchases,
  startPurchase,
  buy,
  KEPT_MS,
  type Order,
  PATIENCE_MS,
  type Purchase,
  type Store,
  finishPurchase,
  interruptedPurchases,
} from "./purchase";

const WANTED = {
  flight_id: "f1",
  seats: 2,
  payment_method: "pm_ok",
  expected_total: { amount: 1_080_000, currency: "RUB" },
};
const ORDER = { id: "o1", status: "CREATED" } as Order;
const problem = (status: number, code: string) => new ApiError({ status, code, title: "No", detail: "", errors: [] });

function store(): Store {
  const held = new Map<string, string>();
  return {
    read: <T>(name: string) => JSON.parse(held.get(name) ?? "null") as T | null,
    write: (name, value) => void held.set(name, JSON.stringify(value)),
  };
}

/** Time that passes only while something waits. */
function clock() {
  let now = 0;
  return {
    now: () => now,
    pause: async (ms: number) => {
      now += ms;
    },
  };
}

/** An API that returns these responses in turn and then repeats the last one. */
function fakeFetch(...answers: (Order | Error)[]) {
  const sent: Purchase[] = [];
  const send = async (purchase: Purchase) => {
    const answer = answers[Math.min(sent.length, answers.length - 1)];
    sent.push(purchase);
    if (answer instanceof Error) throw answer;
    return answer as Order;
  };
  return { sent, send };
}

const ignore = () => undefined;

describe("a purchase", () => {
  it("keeps its key until it is settled, over a reload", () => {
    const kept = store();
    const first = startPurchase(WANTED, 0, kept);

    expect(startPurchase({ ...WANTED }, 1000, kept).key).toBe(first.key);
    finishPurchase(first.key, 2000, kept);
    expect(startPurchase(WANTED, 3000, kept).key).not.toBe(first.key);
  });

  it("has another key when something else is bought", () => {
    const kept = store();
    const others = [
      { seats: 1 },
      { flight_id: "f2" },
      { payment_method: "pm_slow" },
      { expected_total: { amount: 1, currency: "RUB" } },
    ];

    const keys = [WANTED, ...others.map((other) => ({ ...WANTED, ...other }))].map(
      (one) => startPurchase(one, 0, kept).key,
    );

    expect(new Set(keys).size).toBe(5);
    expect(interruptedPurchases(0, kept)).toHaveLength(5);
  });

  it("is given up before the API forgets its key", () => {
    const kept = store();
    const old = startPurchase(WANTED, 0, kept);

    expect(startPurchase(WANTED, KEPT_MS, kept).key).not.toBe(old.key);
  });

  it("is not finished by another visitor", () => {
    const kept = store();
    const before = startPurchase(WANTED, 0, kept);

    clearPurchases(kept);

    expect(interruptedPurchases(0, kept)).toEqual([]);
    expect(startPurchase(WANTED, 0, kept).key).not.toBe(before.key);
  });

  it("is sent again with the same key while the API does not respond", async () => {
    const kept = store();
    const { sent, send } = fakeFetch(
      unreachable(),
      problem(503, "busy"),
      problem(409, "idempotency_key_in_use"),
      ORDER,
    );

    const order = await buy(startPurchase(WANTED, 0, kept), send, ignore, clock(), kept);

    expect(order).toBe(ORDER);
    expect(new Set(sent.map((one) => one.key)).size).toBe(1);
    expect(sent).toHaveLength(4);
    expect(interruptedPurchases(0, kept)).toEqual([]);
  });

  it("is over when it is refused", async () => {
    const kept = store();
    const { sent, send } = fakeFetch(problem(409, "sold_out"));

    await expect(buy(startPurchase(WANTED, 0, kept), send, ignore, clock(), kept)).rejects.toMatchObject({
      code: "sold_out",
    });

    expect(sent).toHaveLength(1);
    expect(interruptedPurchases(0, kept)).toEqual([]);
  });

  it("stays interruptedPurchases when patience ends before an answer", async () => {
    const kept = store();
    const time = clock();
    const { send } = fakeFetch(unreachable());

    await expect(buy(startPurchase(WANTED, 0, kept), send, ignore, time, kept)).rejects.toMatchObject({
      code: "unreachable",
    });

    expect(time.now()).toBeGreaterThan(PATIENCE_MS);
    expect(interruptedPurchases(time.now(), kept)).toHaveLength(1);
  });
});
