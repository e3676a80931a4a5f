import { describe, expect, it } from "vitest";

import { ApiError, unreachable } from "../api/problem";
import {
  abandon,
  begin,
  buy,
  KEPT_MS,
  type Order,
  PATIENCE_MS,
  type Purchase,
  type Store,
  settle,
  unsettled,
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

/** An API that gives these answers, one after the other, the last one for ever. */
function answering(...answers: (Order | Error)[]) {
  const sent: Purchase[] = [];
  const send = async (purchase: Purchase) => {
    const answer = answers[Math.min(sent.length, answers.length - 1)];
    sent.push(purchase);
    if (answer instanceof Error) throw answer;
    return answer as Order;
  };
  return { sent, send };
}

const told = () => undefined;

describe("a purchase", () => {
  it("keeps its key until it is settled, over a reload", () => {
    const kept = store();
    const first = begin(WANTED, 0, kept);

    expect(begin({ ...WANTED }, 1000, kept).key).toBe(first.key);
    settle(first.key, 2000, kept);
    expect(begin(WANTED, 3000, kept).key).not.toBe(first.key);
  });

  it("has another key when something else is bought", () => {
    const kept = store();
    const others = [
      { seats: 1 },
      { flight_id: "f2" },
      { payment_method: "pm_slow" },
      { expected_total: { amount: 1, currency: "RUB" } },
    ];

    const keys = [WANTED, ...others.map((other) => ({ ...WANTED, ...other }))].map((one) => begin(one, 0, kept).key);

    expect(new Set(keys).size).toBe(5);
    expect(unsettled(0, kept)).toHaveLength(5);
  });

  it("is given up before the API forgets its key", () => {
    const kept = store();
    const old = begin(WANTED, 0, kept);

    expect(begin(WANTED, KEPT_MS, kept).key).not.toBe(old.key);
  });

  it("is not finished by another visitor", () => {
    const kept = store();
    const before = begin(WANTED, 0, kept);

    abandon(kept);

    expect(unsettled(0, kept)).toEqual([]);
    expect(begin(WANTED, 0, kept).key).not.toBe(before.key);
  });

  it("is sent again with the same key while nobody answers", async () => {
    const kept = store();
    const { sent, send } = answering(
      unreachable(),
      problem(503, "busy"),
      problem(409, "idempotency_key_in_use"),
      ORDER,
    );

    const order = await buy(begin(WANTED, 0, kept), send, told, clock(), kept);

    expect(order).toBe(ORDER);
    expect(new Set(sent.map((one) => one.key)).size).toBe(1);
    expect(sent).toHaveLength(4);
    expect(unsettled(0, kept)).toEqual([]);
  });

  it("is over when it is refused", async () => {
    const kept = store();
    const { sent, send } = answering(problem(409, "sold_out"));

    await expect(buy(begin(WANTED, 0, kept), send, told, clock(), kept)).rejects.toMatchObject({ code: "sold_out" });

    expect(sent).toHaveLength(1);
    expect(unsettled(0, kept)).toEqual([]);
  });

  it("stays unsettled when patience ends before an answer", async () => {
    const kept = store();
    const time = clock();
    const { send } = answering(unreachable());

    await expect(buy(begin(WANTED, 0, kept), send, told, time, kept)).rejects.toMatchObject({ code: "unreachable" });

    expect(time.now()).toBeGreaterThan(PATIENCE_MS);
    expect(unsettled(time.now(), kept)).toHaveLength(1);
  });
});
