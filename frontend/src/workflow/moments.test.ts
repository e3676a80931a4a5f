import { describe, expect, test } from "vitest";

import { snapshotAt } from "./snapshot";
import { flow, deadLetter, mark, move, NOON, payment, row } from "./fixtures";
import { moments } from "./moments";

const caused = (number: number) => ({ causation_id: `e${number}` });

const COMPLETED = flow("COMPLETED", {
  outbox: [row("OrderCreated", 1), row("PaymentAuthorized", 2, caused(1)), row("TicketIssued", 3, caused(2))],
  inbox: [
    // Handled before the worker had noted that Kafka has it: that is how it often is.
    mark("payment-service", 1, { processed_at: new Date(NOON + 110).toISOString() }),
    mark("ticket-service", 2),
    mark("order-service", 2),
    mark("order-service", 3),
    mark("payment-service", 3),
  ],
  history: [
    move(null, "CREATED", null, 100),
    move("CREATED", "PAYMENT_AUTHORIZED", 2, 240),
    move("PAYMENT_AUTHORIZED", "COMPLETED", 3, 340),
  ],
  payment: payment("CAPTURED"),
  tickets: [{ number: "1", flight_id: "f1", seat: "1A", status: "VALID" }],
});

describe("moments", () => {
  test("causes come before their effects, whatever the clocks say", () => {
    expect(moments(COMPLETED, NOON).map((one) => `${one.kind} ${one.event}`)).toEqual([
      "written OrderCreated",
      "published OrderCreated",
      "handled OrderCreated",
      "written PaymentAuthorized",
      "published PaymentAuthorized",
      "handled PaymentAuthorized",
      "handled PaymentAuthorized",
      "written TicketIssued",
      "published TicketIssued",
      "handled TicketIssued",
      "handled TicketIssued",
    ]);
  });

  test("status changes appear at the moment of their commit", () => {
    const moved = moments(COMPLETED, NOON).flatMap((one) => one.moves.map((to) => [one.key, to.to_status]));

    expect(moved).toEqual([
      ["written e1", "CREATED"],
      ["handled e2 order-service", "PAYMENT_AUTHORIZED"],
      ["handled e3 order-service", "COMPLETED"],
    ]);
  });

  test("an event that is still in the outbox has only been written", () => {
    const placed = flow("CREATED", { outbox: [row("OrderCreated", 1, { status: "pending", attempts: 2 })] });

    expect(moments(placed, NOON).map((one) => one.kind)).toEqual(["written"]);
  });

  test("a dead letter is a moment until it is replayed and handled", () => {
    const stuck = flow("CREATED", {
      outbox: [row("OrderCreated", 1)],
      dead_letters: [deadLetter("payment-service", 1)],
    });

    expect(moments(stuck, NOON).map((one) => one.kind)).toEqual(["written", "published", "dead"]);
    const handled = { ...stuck, inbox: [mark("payment-service", 1)] };
    expect(moments(handled, NOON).map((one) => one.kind)).toEqual(["written", "published", "handled"]);
  });
});

describe("a snapshot of the workflow", () => {
  const all = moments(COMPLETED, NOON);
  const after = (key: string) =>
    snapshotAt(
      COMPLETED,
      all,
      all.findIndex((one) => one.key === key),
    );

  test("at first there are the order and a row in the outbox", () => {
    const first = after("written e1");

    expect(first.order.status).toBe("CREATED");
    expect(first.outbox.map((one) => [one.type, one.status, one.offset])).toEqual([
      ["ordersys.OrderCreated.v1", "pending", null],
    ]);
    expect([first.inbox, first.payment, first.tickets]).toEqual([[], null, []]);
  });

  test.each([
    ["handled e1 payment-service", "REQUESTED"],
    ["written e2", "AUTHORIZED"],
    ["handled e3 payment-service", "CAPTURING"],
  ])("after %s the payment was %s", (key, status) => {
    expect(after(key).payment?.status).toBe(status);
  });

  test("after the last moment everything is there", () => {
    const last = snapshotAt(COMPLETED, all, all.length - 1);

    expect([last.order.status, last.outbox, last.inbox.length]).toEqual(["COMPLETED", COMPLETED.outbox, 5]);
  });

  test("a cancellation that overtakes the payment leaves it void", () => {
    const cancelled = flow("CANCELLED", {
      reason: "changed my mind",
      outbox: [row("OrderCreated", 1), row("OrderCancelled", 2)],
      inbox: [mark("payment-service", 2), mark("ticket-service", 2)],
      history: [move(null, "CREATED", null, 100), move("CREATED", "CANCELLED", null, 200, "changed my mind")],
      payment: payment("VOIDED", { authorization_id: null }),
    });
    const seen = moments(cancelled, NOON);

    expect(seen.map((one) => snapshotAt(cancelled, seen, seen.indexOf(one)).payment?.status ?? null)).toEqual([
      null,
      null,
      null,
      null,
      "VOIDED",
      "VOIDED",
    ]);
  });

  test("a refund returns captured money", () => {
    const refunded = {
      ...COMPLETED,
      outbox: [
        ...COMPLETED.outbox,
        row("RefundRequested", 4),
        row("TicketVoided", 5, caused(4)),
        row("PaymentRefunded", 6, caused(5)),
      ],
      inbox: [...COMPLETED.inbox, mark("ticket-service", 4), mark("payment-service", 5), mark("order-service", 6)],
      payment: payment("REFUNDED"),
    };
    const seen = moments(refunded, NOON);
    const status = (key: string) =>
      snapshotAt(
        refunded,
        seen,
        seen.findIndex((one) => one.key === key),
      ).payment?.status;

    expect(["written e4", "handled e5 payment-service", "written e6"].map(status)).toEqual([
      "CAPTURED",
      "REFUNDING",
      "REFUNDED",
    ]);
    expect(
      snapshotAt(
        refunded,
        seen,
        seen.findIndex((one) => one.key === "written e5"),
      ).tickets.map((one) => one.status),
    ).toEqual(["VOIDED"]);
  });
});
