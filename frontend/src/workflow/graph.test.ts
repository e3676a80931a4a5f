import { describe, expect, test } from "vitest";

import { type BoxId, graph, isQuiet } from "./graph";
import type { Workflow } from "./flow";
import { flow, deadLetter, mark, NOON, payment, retry, row } from "./fixtures";

const state = (found: Workflow, id: BoxId) => graph(found, NOON).boxes.find((box) => box.id === id)!.state;
const way = (found: Workflow, id: BoxId) => graph(found, NOON).boxes.find((box) => box.id === id)!.way;
const edge = (found: Workflow, id: string) => graph(found, NOON).edges.find((one) => one.id === id)?.state;

const COMPLETED = flow("COMPLETED", {
  outbox: [row("OrderCreated", 1), row("PaymentAuthorized", 2), row("TicketIssued", 3)],
  inbox: [
    mark("payment-service", 1),
    mark("ticket-service", 2),
    mark("order-service", 2),
    mark("order-service", 3),
    mark("payment-service", 3),
  ],
  payment: payment("CAPTURED"),
  tickets: [{ number: "1", flight_id: "f1", seat: "1A", status: "VALID" }],
});

describe("an order on its way", () => {
  test("an event that no worker has claimed is active in the outbox and idle elsewhere", () => {
    const placed = flow("CREATED", { outbox: [row("OrderCreated", 1, { status: "pending" })] });

    expect(state(placed, "outbox")).toBe("active");
    expect(edge(placed, "outbox-worker-forward")).toBe("active");
    expect(edge(placed, "worker-kafka-forward")).toBe("idle");
    expect(state(placed, "payment")).toBe("idle");
  });

  test("a dropped event is retried, and the worker shows when", () => {
    const outbox = [
      row("OrderCreated", 1, { status: "pending", attempts: 3, last_error: "publish.drop", next_attempt_at: "t" }),
    ];
    const worker = graph(flow("CREATED", { outbox }), NOON).boxes.find((box) => box.id === "worker")!;

    expect(worker.state).toBe("failing");
    expect(worker.facts).toContainEqual({ kind: "error", error: "publish.drop" });
    expect(worker.facts).toContainEqual({ kind: "next", at: "t" });
  });

  test("a parked event is stuck in the outbox, and the worker ignores it", () => {
    const parked = flow("CREATED", { outbox: [row("OrderCreated", 1, { status: "parked", attempts: 1 })] });

    expect(state(parked, "outbox")).toBe("stuck");
    expect(state(parked, "worker")).toBe("idle");
  });

  test("a published event is awaited in Kafka by its consumer", () => {
    const sent = flow("CREATED", { outbox: [row("OrderCreated", 1)] });

    expect(state(sent, "kafka")).toBe("active");
    expect(state(sent, "payment")).toBe("active");
    expect(edge(sent, "kafka-payment-forward")).toBe("active");
    expect(edge(sent, "kafka-payment-back")).toBe("idle");
  });

  test("Kafka shows topic, partition and offset of the last record", () => {
    const kafka = graph(COMPLETED, NOON).boxes.find((box) => box.id === "kafka")!;

    expect(kafka.facts[0]).toEqual({
      kind: "topic",
      topic: { stream: "orders", topic: "ordersys.orders", partition: 3, offset: 11, records: 1 },
    });
  });

  test.each([
    ["REQUESTED", 1, null, "active"],
    ["REQUESTED", 2, null, "failing"],
    ["REQUESTED", 1, "503", "failing"],
    ["AUTHORIZED", 0, null, "done"],
  ] as const)(
    "a payment that is %s at attempt %i (%s) makes the gateway %s",
    (status, attempts, last_error, expected) => {
      const calling = flow("CREATED", { payment: payment(status, { attempts, last_error }) });

      expect(state(calling, "gateway")).toBe(expected);
      expect(edge(calling, "payment-gateway-forward")).toBe(expected);
    },
  );

  test("a failed message is retried, a dead letter is stuck", () => {
    const outbox = [row("OrderCreated", 1)];
    const retried = flow("CREATED", {
      outbox,
      inbox: [mark("payment-service", 1, { status: "retrying" })],
      retries: [retry("payment-service", 1)],
    });
    const dead = flow("CREATED", {
      outbox,
      inbox: [mark("payment-service", 1, { status: "dead" })],
      dead_letters: [deadLetter("payment-service", 1)],
    });

    expect(state(retried, "payment")).toBe("failing");
    expect(state(dead, "payment")).toBe("stuck");
    expect(edge(dead, "kafka-payment-forward")).toBe("stuck");
  });

  test("a replayed dead letter is awaited again", () => {
    const replayed = flow("CREATED", {
      outbox: [row("OrderCreated", 1)],
      dead_letters: [deadLetter("payment-service", 1, { status: "REPLAYED" })],
    });

    expect(state(replayed, "payment")).toBe("active");
  });
});

describe("an order that has ended", () => {
  test("every box of a completed one is done, and no compensation is lit", () => {
    const { boxes, edges } = graph(COMPLETED, NOON);

    expect(boxes.map((box) => [box.id, box.state])).toEqual(boxes.map((box) => [box.id, "done"]));
    expect(edges.filter((one) => one.way === "back" && one.state !== "idle")).toEqual([]);
    expect(isQuiet(COMPLETED, NOON)).toBe(true);
  });

  test.each([
    ["the capture", { payment: payment("CAPTURING") }],
    ["a consumer", { inbox: COMPLETED.inbox.slice(0, 4) }],
  ])("a completed one is not quiet while %s is still under way", (_, more) => {
    expect(isQuiet({ ...COMPLETED, ...more }, NOON)).toBe(false);
  });

  test("an event that the inbox has forgotten after months is not awaited", () => {
    const later = NOON + 60 * 24 * 3600 * 1000;

    expect(isQuiet({ ...COMPLETED, inbox: [] }, later)).toBe(true);
  });

  test("a declined one is compensated in the order alone, and nothing is released", () => {
    const declined = flow("CANCELLED", {
      reason: "payment_declined: card_declined",
      outbox: [row("OrderCreated", 1), row("PaymentDeclined", 2)],
      inbox: [mark("payment-service", 1), mark("order-service", 2)],
      payment: payment("DECLINED"),
    });

    expect(edge(declined, "payment-outbox-back")).toBe("done");
    expect(edge(declined, "kafka-order-back")).toBe("done");
    expect(edge(declined, "payment-gateway-back")).toBe("idle");
    expect(edge(declined, "api-outbox-back")).toBe("idle");
    expect(way(declined, "order")).toBe("back");
    expect(state(declined, "ticket")).toBe("idle");
    expect(isQuiet(declined, NOON)).toBe(true);
  });

  test("rejected tickets light the release of the money", () => {
    const rejected = flow("CANCELLED", {
      reason: "tickets_rejected: refused_by_airline",
      outbox: [row("OrderCreated", 1), row("PaymentAuthorized", 2), row("TicketRejected", 3), row("PaymentVoided", 4)],
      inbox: [mark("payment-service", 3), mark("order-service", 3)],
      payment: payment("VOIDED"),
    });

    for (const id of ["ticket-outbox-back", "kafka-payment-back", "payment-gateway-back", "payment-outbox-back"]) {
      expect([id, edge(rejected, id)]).toEqual([id, "done"]);
    }
    expect(edge(rejected, "kafka-order-back")).toBe("active");
  });

  test("the customer cancels over the API, the deadline in the worker", () => {
    const outbox = [row("OrderCreated", 1), row("OrderCancelled", 2)];
    const byCustomer = flow("CANCELLED", { reason: "changed my mind", outbox });
    const byTimer = flow("CANCELLED", { reason: "deadline_passed", outbox });

    expect(edge(byCustomer, "api-outbox-back")).toBe("done");
    expect(edge(byCustomer, "worker-outbox-back")).toBeUndefined();
    expect(edge(byTimer, "api-outbox-back")).toBe("idle");
    expect(edge(byTimer, "worker-outbox-back")).toBe("done");
  });

  test("a payment abandoned before its request never reaches the gateway", () => {
    const never = flow("CANCELLED", { payment: payment("VOIDED", { attempts: 0, authorization_id: null }) });

    expect(state(never, "gateway")).toBe("idle");
    expect(edge(never, "payment-gateway-back")).toBe("idle");
  });

  test("a refund voids the tickets first, then returns the money", () => {
    const outbox = [row("OrderCreated", 1), row("RefundRequested", 4), row("TicketVoided", 5, { status: "pending" })];
    const refunding = flow("REFUND_PENDING", {
      outbox,
      inbox: [mark("ticket-service", 4)],
      payment: payment("CAPTURED"),
    });

    expect(edge(refunding, "api-outbox-back")).toBe("done");
    expect(edge(refunding, "kafka-ticket-back")).toBe("done");
    expect(edge(refunding, "ticket-outbox-back")).toBe("done");
    expect(edge(refunding, "kafka-payment-back")).toBe("idle");
    expect(isQuiet(refunding, NOON)).toBe(false);
  });
});
