import { expect, test } from "vitest";

import { bars } from "./bars";
import { traces } from "./traces";
import { flow, mark, NOON, row } from "./fixtures";

test("a message lies in the outbox until it is published, and in Kafka until the last consumer has it", () => {
  const seen = flow("CREATED", {
    outbox: [row("OrderCreated", 0), row("PaymentAuthorized", 1)],
    inbox: [
      mark("payment-service", 0),
      mark("ticket-service", 1),
      mark("order-service", 1, { processed_at: new Date(NOON + 200).toISOString() }),
    ],
  });

  const [first, second] = bars(traces(seen, NOON), NOON + 500);

  expect(first).toMatchObject({ start: 0, outbox: 10, kafka: 10, open: false, outboxMs: 20, kafkaMs: 20 });
  expect(second).toMatchObject({ start: 50, outbox: 10, kafka: 40, open: false, outboxMs: 20, kafkaMs: 80 });
});

test("what is not over grows with the time", () => {
  const seen = flow("CREATED", { outbox: [row("OrderCreated", 0, { status: "pending" })] });

  expect(bars(traces(seen, NOON), NOON + 500)[0]).toMatchObject({
    outbox: 100,
    outboxMs: null,
    kafkaMs: null,
    open: true,
  });
});
