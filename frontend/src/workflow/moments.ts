/** What happened to an order, moment by moment.
 *
 * Times come from several clocks, and a fast consumer may handle a record before the worker notes that Kafka has it. So
 * causes come before effects, whatever the times say; the times are shown unchanged.
 */
import type { OutboxRow, StatusChange, Workflow } from "./flow";
import type { BoxId } from "./graph";
import { DEADLINE } from "./graph";
import { type Delivery, type EventTrace, traces } from "./traces";
import type { Consumer, Way } from "./saga";

interface Base {
  key: string;
  at: string;
  box: BoxId;
  way: Way;
  event: string;
  row: OutboxRow;
  /** The status changes of the same commit. */
  moves: readonly StatusChange[];
}

export type Moment = Base &
  (
    | { kind: "written"; cause: string | null }
    | { kind: "published" }
    | { kind: "handled"; consumer: Consumer; delivery: Delivery }
    | { kind: "dead"; consumer: Consumer; delivery: Delivery }
  );

const PRODUCER: Readonly<Record<string, BoxId>> = {
  "payment-service": "payment",
  "ticket-service": "ticket",
  "order-service": "api",
};
const CONSUMER: Readonly<Record<Consumer, BoxId>> = {
  "payment-service": "payment",
  "ticket-service": "ticket",
  "order-service": "order",
};

export function moments(flow: Workflow, now: number): readonly Moment[] {
  const timed: { moment: Moment; time: number }[] = [];
  const times = new Map<string, number>();
  for (const trace of traces(flow, now)) {
    // Rows come in the order in which they were committed, so a cause was timed before its effects are.
    for (const { moment, own, after } of momentsOf(trace, flow)) {
      const time = Math.max(own, ...after.map((key) => times.get(key) ?? 0));
      times.set(moment.key, time);
      timed.push({ moment, time });
    }
  }
  return timed.sort((one, other) => one.time - other.time).map(({ moment }) => moment);
}

interface Placed {
  moment: Moment;
  own: number;
  after: readonly string[];
}

function momentsOf(trace: EventTrace, flow: Workflow): readonly Placed[] {
  const { row, name: event, way } = trace;
  const base = { event, row, way };
  const begun = moves(trace, flow);
  const producer = PRODUCER[row.producer] ?? "api";
  const byTimer = event === "OrderCancelled" && flow.order.reason === DEADLINE;
  const written: Moment = {
    ...base,
    kind: "written",
    key: `written ${row.event_id}`,
    at: row.occurred_at,
    box: byTimer ? "worker" : producer,
    cause: trace.cause,
    moves: begun,
  };
  const source = `handled ${row.causation_id} ${row.producer}`;
  const found: Placed[] = [{ moment: written, own: Date.parse(row.occurred_at), after: [source] }];
  if (row.published_at === null) return found;
  const dealt = trace.deliveries.filter((one) => one.at !== null);
  const seen = Math.min(Date.parse(row.published_at), ...dealt.map((one) => Date.parse(one.at!)));
  const key = `published ${row.event_id}`;
  const published: Moment = { ...base, kind: "published", key, at: row.published_at, box: "worker", moves: [] };
  found.push({ moment: published, own: seen, after: [written.key] });
  for (const delivery of dealt) {
    const { consumer } = delivery;
    const kind = delivery.state === "handled" ? "handled" : "dead";
    const moment: Moment = {
      ...base,
      kind,
      key: `${kind} ${row.event_id} ${consumer}`,
      at: delivery.at!,
      box: CONSUMER[consumer],
      consumer,
      delivery,
      moves: kind === "handled" && consumer === "order-service" ? movesBy(row.event_id, flow) : [],
    };
    found.push({ moment, own: Date.parse(delivery.at!), after: [key] });
  }
  return found;
}

function movesBy(eventId: string, flow: Workflow): readonly StatusChange[] {
  return flow.history.filter((one) => one.event_id === eventId);
}

/** The status change in the same commit as an event that a request or a timer caused. */
const BEGINS: Readonly<Record<string, string>> = {
  OrderCreated: "CREATED",
  OrderCancelled: "CANCELLED",
  RefundRequested: "REFUND_PENDING",
};

function moves(trace: EventTrace, flow: Workflow): readonly StatusChange[] {
  return flow.history.filter((one) => one.event_id === null && one.to_status === BEGINS[trace.name]);
}
