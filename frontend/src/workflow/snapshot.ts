/** The workflow as it was after a moment, without everything that happened later. */
import type { OutboxRow, Payment, StatusChange, Workflow } from "./flow";
import type { Moment } from "./moments";
import { isGivenUp, meaning } from "./payments";

/** The workflow after `moments[index]`. Payments have no times, so their status is derived from the events around them. */
export function snapshotAt(flow: Workflow, moments: readonly Moment[], index: number): Workflow {
  const past = moments.slice(0, index + 1);
  const had = new Set(past.map((moment) => moment.key));
  const history = past.flatMap((moment) => moment.moves);
  const last = history[history.length - 1];
  const payment = past.reduce<Payment | null>((before, moment) => paymentAfter(before, moment, flow), null);
  const tickets = ticketsAfter(past, flow);
  return {
    ...flow,
    order: { ...flow.order, ...orderAfter(last, flow), payment, tickets },
    payment,
    tickets,
    history,
    outbox: flow.outbox
      .filter((row) => had.has(`written ${row.event_id}`))
      .map((row) => (had.has(`published ${row.event_id}`) ? row : unpublished(row))),
    inbox: flow.inbox.filter((mark) => had.has(`handled ${mark.event_id} ${mark.consumer}`)),
    retries: [],
    dead_letters: flow.dead_letters.filter((deadLetter) =>
      had.has(`dead ${deadLetter.event_id} ${deadLetter.consumer}`),
    ),
    waiting_for: null,
  };
}

function orderAfter(last: StatusChange | undefined, flow: Workflow): Partial<Workflow["order"]> {
  if (!last) return { status: "CREATED", reason: null, updated_at: flow.order.created_at };
  return { status: last.to_status, reason: last.reason, updated_at: last.at };
}

function unpublished(row: OutboxRow): OutboxRow {
  if (row.status !== "published") return row;
  const none = {
    published_at: null,
    topic: null,
    partition: null,
    offset: null,
    next_attempt_at: null,
    last_error: null,
  };
  return { ...row, ...none, status: "pending", attempts: 0 };
}

function ticketsAfter(past: readonly Moment[], flow: Workflow): Workflow["tickets"] {
  const written = new Set(past.filter((moment) => moment.kind === "written").map((moment) => moment.event));
  if (!written.has("TicketIssued")) return [];
  return flow.tickets.map((ticket) => ({ ...ticket, status: written.has("TicketVoided") ? "VOIDED" : "VALID" }));
}

function paymentAfter(before: Payment | null, moment: Moment, flow: Workflow): Payment | null {
  const status = statusAfter(before?.status ?? null, moment);
  if (status === null || flow.payment === null || status === before?.status) return before;
  const meant = meaning(status);
  return {
    ...flow.payment,
    ...meant,
    status,
    attempts: meant.awaiting ? 1 : 0,
    authorization_id: status === "AUTHORIZED" ? flow.payment.authorization_id : (before?.authorization_id ?? null),
    reason: status === "DECLINED" ? flow.payment.reason : null,
    next_attempt_at: null,
    last_error: null,
  };
}

const STATUS_AFTER: Readonly<Record<string, string>> = {
  PaymentAuthorized: "AUTHORIZED",
  PaymentDeclined: "DECLINED",
  PaymentVoided: "VOIDED",
  PaymentRefunded: "REFUNDED",
};

function statusAfter(before: string | null, moment: Moment): string | null {
  // A capture has no event. A completed order that is being refunded had been captured.
  if (moment.event === "RefundRequested" && before === "CAPTURING") return "CAPTURED";
  if (moment.kind === "written") return STATUS_AFTER[moment.event] ?? before;
  if (moment.kind !== "handled" || moment.consumer !== "payment-service") return before;
  if (moment.event === "OrderCreated") return before ?? "REQUESTED";
  if (before !== null && isGivenUp(meaning(before))) return before;
  return requestedStatus(before, moment.event);
}

function requestedStatus(before: string | null, event: string): string | null {
  switch (event) {
    case "TicketIssued":
      return "CAPTURING";
    case "TicketVoided":
      return "REFUNDING";
    case "TicketRejected":
    case "OrderCancelled":
      if (before === null) return "VOIDED";
      return before === "CAPTURING" || before === "CAPTURED" ? "REFUNDING" : "VOIDING";
    default:
      return before;
  }
}
