import { describe, expect, test } from "vitest";

import { BOXES, STATES } from "../graph";
import { CONSUMERS, SAGA, sagaRow } from "../saga";
import { ending, type Scene, sceneNow } from "../scene";
import { flow, payment } from "../fixtures";
import { en } from "./en";
import { span, until } from "./format";
import { ru } from "./ru";

const EVENTS = Object.keys(SAGA);
const ERROR = { attempts: 2, error: "odd" };

/** Every scene that there can be. */
const SCENES: readonly Scene[] = [
  ...EVENTS.map((event): Scene => ({ id: "written", event, reason: null })),
  ...EVENTS.map((event): Scene => ({ id: "published", event, attempts: 3, topic: "t", partition: 1, offset: 2 })),
  ...EVENTS.flatMap((event) =>
    sagaRow(event)!.consumers.map((consumer): Scene => ({ id: "handled", event, consumer, attempts: 1, moved: true })),
  ),
  ...CONSUMERS.map((consumer): Scene => ({ id: "awaited", event: "OrderCreated", consumer, place: "t[1]@2" })),
  ...CONSUMERS.map((consumer): Scene => ({ id: "retry", event: "OrderCreated", consumer, ...ERROR })),
  ...CONSUMERS.map((consumer): Scene => ({ id: "dead", event: "OrderCreated", consumer, ...ERROR })),
  ...[0, 2].map((attempts): Scene => ({ id: "publish", event: "OrderCreated", attempts, error: null })),
  ...(["authorize", "capture", "release"] as const).map((call): Scene => ({ id: "call", call, ...ERROR })),
  { id: "parked", event: "OrderCreated", error: "odd" },
  { id: "nothing" },
  { id: "completed", captured: true },
  { id: "completed", captured: false },
  ...(["declined", "rejected", "customer", "deadline", "voided"] as const).map((how): Scene => ({
    id: "cancelled",
    ending: how,
    reason: "",
  })),
  { id: "refunded" },
];

describe.each([en, ru])("in $lang", (words) => {
  test.each(SCENES)("there are a title, what happens and why: $id $event $consumer $ending", (scene) => {
    const shown = words.scene(scene);

    for (const text of [shown.title, shown.what, shown.why]) {
      expect(text).toMatch(/\S/);
      expect(text).not.toMatch(/undefined|null|NaN/);
    }
  });

  test("boxes and states have names", () => {
    for (const box of BOXES) expect([words.boxes[box], words.glossary[box]].every(Boolean)).toBe(true);
    for (const state of STATES) expect(words.states[state]).toBeTruthy();
  });
});

test("no Russian sentence is an English one left over", () => {
  for (const scene of SCENES) {
    expect(ru.scene(scene).why).toMatch(/[а-я]/);
    expect(en.scene(scene).why).not.toMatch(/[а-я]/);
  }
});

test("short times are milliseconds, a countdown moves in tenths and ends", () => {
  expect(span(35, "en")).toBe("35 ms");
  expect(span(1250, "en")).toBe("1.3 sec");
  expect(until(new Date(3200).toISOString(), 0, "en")).toBe("3.2 sec");
  expect(until(new Date(3200).toISOString(), 3200, "en")).toBeNull();
});

describe("an ended order", () => {
  test.each([
    ["payment_declined: card_declined", "declined"],
    ["tickets_rejected: refused_by_airline", "rejected"],
    ["payment_voided", "voided"],
    ["deadline_passed", "deadline"],
    ["changed my mind", "customer"],
    [null, "customer"],
  ])("because of %s is %s", (reason, expected) => {
    expect(ending(reason)).toBe(expected);
  });

  test("shows the reason that was given", () => {
    const scene = sceneNow(flow("CANCELLED", { reason: "payment_declined: card_declined" }));

    expect(scene).toEqual({ id: "cancelled", ending: "declined", reason: "card_declined" });
  });

  test.each([
    ["CAPTURED", true],
    ["CAPTURING", false],
  ])("is completed while its payment is %s", (status, captured) => {
    expect(sceneNow(flow("COMPLETED", { payment: payment(status) }))).toEqual({ id: "completed", captured });
  });
});
