/** Workflows for tests, as short as they can be. */
import type { DeadLetter, InboxMark, OutboxRow, Payment, Retry, StatusChange, Workflow } from "./flow";
import { meaning } from "./payments";

export const NOON = Date.parse("2026-11-24T12:00:00Z");
export const at = (ms: number) => new Date(NOON + ms).toISOString();

/** Event number `number` of the order. Published by default. */
export function row(name: string, number: number, more: Partial<OutboxRow> = {}): OutboxRow {
  const [stream, producer] = SOURCES[name] ?? ["orders", "order-service"];
  const row: OutboxRow = {
    id: number,
    event_id: `e${number}`,
    type: `ordersys.${name}.v1`,
    producer,
    occurred_at: at(number * 100),
    status: "published",
    attempts: 1,
    correlation_id: "c",
    causation_id: "",
    published_at: at(number * 100 + 20),
    topic: `ordersys.${stream}`,
    partition: 3,
    offset: 10 + number,
    next_attempt_at: null,
    last_error: null,
    ...more,
  };
  if (row.status === "published") return row;
  return { ...row, attempts: more.attempts ?? 0, published_at: null, topic: null, partition: null, offset: null };
}

const SOURCES: Readonly<Record<string, [string, string]>> = {
  PaymentAuthorized: ["payments", "payment-service"],
  PaymentDeclined: ["payments", "payment-service"],
  PaymentVoided: ["payments", "payment-service"],
  PaymentRefunded: ["payments", "payment-service"],
  TicketIssued: ["tickets", "ticket-service"],
  TicketRejected: ["tickets", "ticket-service"],
  TicketVoided: ["tickets", "ticket-service"],
};

export function mark(consumer: string, number: number, more: Partial<InboxMark> = {}): InboxMark {
  const processed_at = at(number * 100 + 40);
  return { consumer, event_id: `e${number}`, type: "t", status: "processed", attempts: 1, processed_at, ...more };
}

export function move(
  from: string | null,
  to: string,
  number: number | null,
  ms: number,
  reason: string | null = null,
): StatusChange {
  return { from_status: from, to_status: to, at: at(ms), reason, event_id: number === null ? null : `e${number}` };
}

export function retry(consumer: string, number: number, more: Partial<Retry> = {}): Retry {
  return { consumer, event_id: `e${number}`, type: "t", attempts: 2, next_attempt_at: at(3000), error: "odd", ...more };
}

export function deadLetter(consumer: string, number: number, more: Partial<DeadLetter> = {}): DeadLetter {
  const created_at = at(9000);
  return {
    id: "d1",
    consumer,
    event_id: `e${number}`,
    type: "t",
    status: "NEW",
    attempts: 5,
    error: "odd",
    created_at,
    ...more,
  };
}

export function payment(status: string, more: Partial<Payment> = {}): Payment {
  const amount = { amount: 100, currency: "RUB" };
  const meant = meaning(status);
  return {
    status,
    method: "pm_ok",
    amount,
    attempts: meant.awaiting ? 1 : 0,
    ...meant,
    authorization_id: status === "REQUESTED" || status === "DECLINED" ? null : "auth_1",
    reason: null,
    next_attempt_at: meant.awaiting ? at(3000) : null,
    last_error: null,
    ...more,
  };
}

export function flow(status: string, more: Partial<Workflow> & { reason?: string } = {}): Workflow {
  const { reason = null, ...parts } = more;
  const total = { amount: 100, currency: "RUB" };
  const whole = {
    payment: null,
    tickets: [],
    outbox: [],
    inbox: [],
    history: [],
    retries: [],
    dead_letters: [],
    ...parts,
  };
  return {
    waiting_for: null,
    ...whole,
    order: {
      id: "o1",
      status,
      items: [{ flight_id: "f1", seats: 1, unit_price: total }],
      total,
      created_at: at(0),
      updated_at: at(1000),
      reason,
      payment: whole.payment,
      tickets: whole.tickets,
    },
  };
}
