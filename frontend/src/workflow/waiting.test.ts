import { expect, test } from "vitest";

import { waiting } from "./waiting";

const when = { until: null, command: null };

// The sentences are those of usecase/orders/waiting.py, as its own tests have them.
test.each([
  [
    "OrderCreated to be published",
    "row 7 of the outbox, no worker has taken it yet",
    { kind: "publish", event: "OrderCreated", row: "7", attempts: 0, error: null },
  ],
  [
    "OrderCreated to be published",
    "row 7 of the outbox, after 4 attempts: publish.drop",
    { kind: "publish", event: "OrderCreated", row: "7", attempts: 4, error: "publish.drop" },
  ],
  [
    "OrderCreated to be published",
    "row 7 of the outbox, parked after 1 attempts: too large",
    { kind: "parked", event: "OrderCreated", row: "7", attempts: 1, error: "too large" },
  ],
  [
    "payment-service to handle OrderCreated",
    "ordersys.orders[3]@17, not yet in the inbox of payment-service",
    { kind: "handle", consumer: "payment-service", event: "OrderCreated", place: "ordersys.orders[3]@17" },
  ],
  [
    "payment-service to handle OrderCreated",
    "retries of payment-service, after 2 attempts: ValueError: odd",
    { kind: "retry", consumer: "payment-service", event: "OrderCreated", attempts: 2, error: "ValueError: odd" },
  ],
  [
    "payment-service to handle OrderCreated",
    "dead letter d1 after 5 attempts: ValueError: odd\nand more",
    {
      kind: "dead",
      consumer: "payment-service",
      event: "OrderCreated",
      letter: "d1",
      attempts: 5,
      error: "ValueError: odd\nand more",
    },
  ],
  [
    "the gateway to capture the payment",
    "the payment is CAPTURING, attempt 3: 503",
    { kind: "call", call: "capture", status: "CAPTURING", attempts: 3, error: "503" },
  ],
  [
    "the gateway to authorize the payment",
    "the payment is REQUESTED, attempt 1 is under way",
    { kind: "call", call: "authorize", status: "REQUESTED", attempts: 1, error: null },
  ],
  [
    "the gateway to authorize the payment",
    "the payment is REQUESTED, the gateway was not asked yet",
    { kind: "call", call: "authorize", status: "REQUESTED", attempts: 0, error: null },
  ],
  ["the next event", "none is on its way: every event of this order was handled", { kind: "nothing" }],
])("%s, %s", (what, where, reading) => {
  expect(waiting({ what, where, ...when })).toEqual({ ...reading, ...when });
});

test("words that are not known are shown as they came", () => {
  const found = waiting({ what: "the moon", where: "behind a cloud", until: "soon", command: "look" });

  expect(found).toEqual({ kind: "other", what: "the moon", where: "behind a cloud", until: "soon", command: "look" });
});
