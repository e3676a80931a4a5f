import { expect, test } from "vitest";

import type { WaitingFor } from "./flow";
import type { Scene } from "./scene";
import { commandFor, sceneOfWaiting } from "./waiting";
import { en } from "./words/en";
import { ru } from "./words/ru";

const EVENT = { event: "ordersys.OrderCreated.v1", event_id: "e7" };
const CONSUMER = "payment-service";
const NEVER = { until: null, action: null };
const PENDING = { kind: "outbox_pending", ...EVENT, id: 7, ...NEVER } as const;
const ERROR = { attempts: 2, error: "ValueError: odd" };

const FOUND: readonly [WaitingFor, Scene, string | null][] = [
  [
    { ...PENDING, attempts: 0, error: null, action: "check_status" },
    { id: "publish", event: "OrderCreated", attempts: 0, error: null },
    "ordersys status",
  ],
  [
    { ...PENDING, attempts: 4, error: "publish.drop" },
    { id: "publish", event: "OrderCreated", attempts: 4, error: "publish.drop" },
    null,
  ],
  [
    { kind: "outbox_parked", ...EVENT, id: 7, attempts: 1, error: "too large", until: null, action: "unpark" },
    { id: "parked", event: "OrderCreated", error: "too large" },
    "ordersys outbox unpark 7",
  ],
  [
    {
      kind: "awaiting_handler",
      consumer: CONSUMER,
      ...EVENT,
      topic: "ordersys.orders",
      partition: 3,
      offset: 17,
      until: null,
      action: "check_status",
    },
    { id: "awaited", event: "OrderCreated", consumer: CONSUMER, place: "ordersys.orders[3]@17" },
    "ordersys status",
  ],
  [
    { kind: "retrying", consumer: CONSUMER, ...EVENT, ...ERROR, ...NEVER },
    { id: "retry", event: "OrderCreated", consumer: CONSUMER, ...ERROR },
    null,
  ],
  [
    {
      kind: "dead_letter",
      consumer: CONSUMER,
      ...EVENT,
      id: "d1",
      ...ERROR,
      until: null,
      action: "replay_dead_letter",
    },
    { id: "dead", event: "OrderCreated", consumer: CONSUMER, ...ERROR },
    "ordersys dlq replay d1",
  ],
  [
    { kind: "dead_letter", consumer: CONSUMER, event: null, event_id: null, id: "d1", ...ERROR, ...NEVER },
    { id: "dead", event: null, consumer: CONSUMER, ...ERROR },
    null,
  ],
  [
    { kind: "awaiting_gateway", call: "capture", status: "CAPTURING", attempts: 3, error: "503", ...NEVER },
    { id: "call", call: "capture", attempts: 3, error: "503" },
    null,
  ],
  [{ kind: "awaiting_event", until: null, action: "audit" }, { id: "nothing" }, "ordersys audit"],
];

test.each(FOUND)("%o", (found, scene, command) => {
  expect(sceneOfWaiting(found)).toEqual(scene);
  expect(commandFor(found)).toBe(command);
  for (const words of [en, ru]) {
    expect(words.scene(scene).title).toMatch(/\S/);
    expect(words.scene(scene).title).not.toMatch(/undefined|null/);
  }
});
