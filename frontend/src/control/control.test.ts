import { describe, expect, test } from "vitest";

import audit from "./samples/audit.json";
import lag from "./samples/lag.json";
import deadLetter from "./samples/dead_letter.json";
import deadLetters from "./samples/dead_letters.json";
import { canDiscard, canReplay, type DeadLetter, replayNotes, pretty } from "./deadLetters";
import { addSample, type Lag, lagOf, METRICS, series } from "./rates";
import { ceiling, curve } from "./spark";
import { reading, type Verdict } from "./verdict";
import { en } from "./words/en";
import { ru } from "./words/ru";

const NOON = Date.parse("2026-11-24T12:00:00Z");

function sample(second: number, orders = 0, more: Partial<Lag> = {}): Lag {
  return {
    at: new Date(NOON + second * 1000).toISOString(),
    outbox: { pending: 0, oldest_pending_seconds: 0, parked: 0 },
    consumers: [],
    retries: [],
    dead_letters: [],
    totals: { orders, published: 0, processed: 0, finished: null },
    unknown: [],
    ...more,
  };
}

const values = (samples: readonly Lag[]) => series(samples, "orders").map((point) => point.value);

describe("rates", () => {
  test("a rate is what was added per second", () => {
    expect(values([sample(0, 100), sample(1, 120), sample(2, 130)])).toEqual([null, 20, 15]);
  });

  test("over ten seconds, so that a counter that moves in jumps gives a steady rate", () => {
    const jumping = Array.from({ length: 21 }, (_, second) => sample(second, Math.floor(second / 3) * 30));

    for (const value of values(jumping).slice(-4)) expect(Math.abs(value! - 10)).toBeLessThanOrEqual(2.1);
  });

  test("a total that was reset gives no rate, never a negative one", () => {
    expect(values([sample(0, 500), sample(1, 3)])).toEqual([null, null]);
  });

  test("after a long silence there is no rate at first", () => {
    expect(values([sample(0, 100), sample(60, 700), sample(61, 710)])).toEqual([null, null, 10]);
  });

  test("two minutes are kept, and the same moment counts once", () => {
    const samples = [sample(0), sample(60), sample(121)].reduce<readonly Lag[]>(addSample, []);

    expect(samples.map((one) => one.at)).toEqual([sample(60).at, sample(121).at]);
    expect(addSample(samples, sample(121))).toBe(samples);
  });

  test("lag, retries and dead letters are summed up", () => {
    const consumers = [
      { consumer: "b", topic: "t", partition: 0, lag: 2 },
      { consumer: "a", topic: "t", partition: 0, lag: 1 },
      { consumer: "b", topic: "t", partition: 1, lag: 3 },
    ];
    const busy = sample(0, 0, {
      consumers,
      retries: [{ consumer: "a", waiting: 4, next_at: null }],
      dead_letters: [{ consumer: "a", open: 2 }],
    });

    expect(lagOf(busy)).toEqual([
      { consumer: "a", lag: 1 },
      { consumer: "b", lag: 5 },
    ]);
    const last = (metric: (typeof METRICS)[number]) => series([busy], metric)[0]!.value;
    expect([last("lag"), last("retries"), last("deadLetters")]).toEqual([6, 4, 2]);
    expect(series([{ ...busy, consumers: [], unknown: ["kafka"] }], "lag")[0]!.value).toBeNull();
  });
});

describe("curves", () => {
  test.each([
    [0, 1],
    [1.5, 2],
    [4, 5],
    [7, 10],
    [130, 200],
    [1000, 1000],
  ])("the scale for %d ends at %d", (value, top) => {
    expect(ceiling(value)).toBe(top);
  });

  test("the newest point is at the right edge, the scale's top at the upper one", () => {
    expect(
      curve(
        [
          { at: NOON, value: 0 },
          { at: NOON + 2400, value: 5 },
        ],
        100,
        50,
      ),
    ).toEqual({ line: "M98 50L100 0", area: "M98 50L98 50L100 0L100 50Z", top: 5 });
  });

  test("what is not known leaves a gap", () => {
    const points = [0, 1, 2, 3].map((second) => ({ at: NOON + second * 1000, value: second === 1 ? null : second }));

    expect(curve(points, 120, 10).line.match(/M/g)).toHaveLength(2);
    expect(curve([], 120, 10)).toEqual({ line: "", area: "", top: 1 });
  });
});

describe("dead letters", () => {
  const deadLetter = { event_id: "e", status: "NEW" } as DeadLetter;
  const plan = { handled: false, older_than_inbox: false, order_finished: false, after_later_event: false };

  test.each<[DeadLetter, boolean, boolean]>([
    [deadLetter, true, true],
    [{ ...deadLetter, status: "REPLAYED" }, false, false],
    [{ ...deadLetter, status: "DISCARDED" }, true, false],
    [{ ...deadLetter, event_id: null }, false, true],
  ])("%o may be replayed: %s, discarded: %s", (one, replay, discard) => {
    expect([canReplay(one), canDiscard(one)]).toEqual([replay, discard]);
  });

  test("a plan names every reason against a replay, or says that there is none", () => {
    expect(replayNotes(plan)).toEqual(["fine"]);
    expect(replayNotes({ ...plan, order_finished: true, handled: true })).toEqual(["handled", "finished"]);
  });

  test("JSON is laid out, other bytes are left as they are", () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect([pretty("\ufffd?"), pretty(null)]).toEqual(["\ufffd?", ""]);
  });
});

test("what is broken is read first, the worst at the top", () => {
  const finding = (name: string, violations: number) => ({ name, meaning: "", checked: 10, violations, examples: [] });
  const findings = [finding("a", 0), finding("b", 1), finding("c", 7)];
  const verdict: Verdict = { holds: false, at: "", grace_seconds: 60, findings, facts: {}, skipped: [] };

  const { broken, kept, checked } = reading(verdict);

  expect([broken.map((one) => one.name), kept.map((one) => one.name), checked]).toEqual([["c", "b"], ["a"], 30]);
});

test("both languages name the same fault points", () => {
  expect(Object.keys(ru.points)).toEqual(Object.keys(en.points));
});

describe("as a running system answered", () => {
  test("the lag of each consumer", () => {
    expect(lagOf(lag as Lag).map((one) => one.consumer)).toEqual([
      "order-service",
      "payment-service",
      "ticket-service",
    ]);
    expect(series([lag as Lag], "pending")[0]).toEqual({ at: Date.parse(lag.at), value: lag.outbox.pending });
  });

  test("an audit, with Russian words for each of its promises", () => {
    const { broken, kept } = reading(audit as Verdict);

    expect([broken.length, kept.length]).toEqual([0, audit.findings.length]);
    for (const name of [...audit.findings.map((one) => one.name), ...audit.skipped])
      expect(ru.meanings[name]).toMatch(/[а-я]/);
  });

  test("a dead letter", () => {
    expect(canReplay(deadLetters.items[0] as DeadLetter)).toBe(true);
    expect(pretty(deadLetter.value)).toContain('\n  "order_id"');
  });
});
