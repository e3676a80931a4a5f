/** Workflows as the API of a running system answered them, ids and all. */
import { describe, expect, test } from "vitest";

import { snapshotAt } from "./snapshot";
import { bars } from "./bars";
import type { Workflow } from "./flow";
import { type BoxId, graph, isQuiet } from "./graph";
import { moments } from "./moments";
import { sceneNow, sceneOf } from "./scene";
import { en } from "./words/en";
import { ru } from "./words/ru";

const FILES = import.meta.glob<Workflow>("./samples/*.json", { eager: true, import: "default" });
const NAMES = Object.keys(FILES).map((path) => path.slice("./samples/".length, -".json".length));

const sample = (name: string) => FILES[`./samples/${name}.json`]!;
/** When it was looked at. */
const then = (flow: Workflow) =>
  Math.max(
    ...[flow.order.updated_at, ...flow.outbox.map((row) => row.published_at ?? row.occurred_at)].map(Date.parse),
  );
const drawn = (name: string) => graph(sample(name), then(sample(name)));
const states = (name: string) => Object.fromEntries(drawn(name).boxes.map((box) => [box.id, box.state]));
const wayBack = (name: string) =>
  drawn(name)
    .edges.filter((edge) => edge.way === "back" && edge.state !== "idle")
    .map((edge) => edge.id.replace("-back", ""))
    .sort();

test.each(["completed", "completed_late", "replayed", "refunded", "rejected", "declined", "cancelled"])(
  "%s: nothing is left to do",
  (name) => {
    expect(isQuiet(sample(name), then(sample(name)))).toBe(true);
  },
);

test.each(["completed", "completed_late", "replayed"])("%s: every box is done", (name) => {
  expect(new Set(Object.values(states(name)))).toEqual(new Set(["done"]));
});

test.each<[string, BoxId, string]>([
  ["asking", "gateway", "active"],
  ["asking_again", "gateway", "failing"],
  ["dropped", "worker", "failing"],
  ["dropped", "kafka", "idle"],
  ["retrying", "payment", "failing"],
  ["dead", "payment", "stuck"],
])("%s: %s is %s", (name, box, state) => {
  expect(states(name)[box]).toBe(state);
});

test.each([
  ["completed", []],
  ["declined", ["kafka-order", "payment-outbox"]],
  ["rejected", ["kafka-order", "kafka-payment", "payment-gateway", "payment-outbox", "ticket-outbox"]],
  ["cancelled", ["api-outbox", "kafka-order", "kafka-payment", "kafka-ticket", "payment-gateway", "payment-outbox"]],
  [
    "refunded",
    [
      "api-outbox",
      "kafka-order",
      "kafka-payment",
      "kafka-ticket",
      "payment-gateway",
      "payment-outbox",
      "ticket-outbox",
    ],
  ],
])("%s lights the way back: %j", (name, lit) => {
  expect(wayBack(name)).toEqual(lit);
});

test.each([
  ["completed", "Done: the tickets are yours"],
  ["declined", "Cancelled: the payment was declined"],
  ["rejected", "Cancelled: the airline rejected the tickets"],
  ["cancelled", "Cancelled on request"],
  ["refunded", "Refunded: tickets void, money returned"],
  ["asking", "Calling the gateway to hold the money"],
  ["asking_again", "Calling the gateway again to hold the money"],
  ["dropped", "OrderCreated has not reached Kafka yet"],
  ["retrying", "payment-service is retrying OrderCreated"],
  ["dead", "payment-service could not handle OrderCreated"],
])("%s is explained as: %s", (name, title) => {
  expect(en.scene(sceneNow(sample(name))).title).toBe(title);
});

describe.each(NAMES)("%s", (name) => {
  const flow = sample(name);
  const all = moments(flow, then(flow));

  test("an effect comes after its cause, and every moment appears once", () => {
    const place = new Map(all.map((moment, index) => [moment.key, index]));

    expect(place.size).toBe(all.length);
    for (const moment of all.filter((one) => one.kind !== "written")) {
      expect(place.get(moment.key)).toBeGreaterThan(place.get(`written ${moment.row.event_id}`)!);
    }
    for (const row of flow.outbox.filter((one) => one.causation_id)) {
      expect(place.get(`written ${row.event_id}`)).toBeGreaterThan(
        place.get(`handled ${row.causation_id} ${row.producer}`)!,
      );
    }
  });

  test("every status change appears once", () => {
    expect(all.flatMap((moment) => moment.moves)).toEqual(flow.history);
  });

  test("after the last moment the snapshot equals the workflow", () => {
    const last = snapshotAt(flow, all, all.length - 1);

    expect(last.order.status).toBe(flow.order.status);
    expect(last.outbox).toEqual(flow.outbox);
    expect(last.tickets).toEqual(flow.tickets);
    const still: Record<string, string> = { CAPTURED: "CAPTURING" };
    const status =
      flow.payment && (flow.order.status === "COMPLETED" ? still[flow.payment.status] : flow.payment.status);
    expect(last.payment?.status ?? null).toBe(status);
  });

  test("every step has its text, and every bar fits", () => {
    for (const words of [en, ru]) for (const moment of all) expect(words.scene(sceneOf(moment)).why).toMatch(/\S/);
    for (const bar of bars(drawn(name).traces, then(flow))) {
      expect(bar.start).toBeGreaterThanOrEqual(0);
      expect(bar.start + bar.outbox + bar.kafka).toBeLessThanOrEqual(100.2);
    }
  });
});
