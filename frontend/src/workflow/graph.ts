/** The saga of one order as boxes and edges: states and figures without texts and coordinates. */
import type { Payment, Workflow } from "./flow";
import { type Delivery, type EventTrace, traces } from "./traces";
import { type Call, isGivenUp } from "./payments";
import { CONSUMERS, type Consumer, STREAMS, type Stream, type Way } from "./saga";

export type BoxId = "api" | "outbox" | "worker" | "kafka" | "payment" | "gateway" | "ticket" | "order";
export const BOXES: readonly BoxId[] = ["api", "outbox", "worker", "kafka", "payment", "gateway", "ticket", "order"];

/** From the calmest to the most serious: of several, the last one counts. */
export const STATES = ["idle", "done", "active", "failing", "stuck"] as const;
export type State = (typeof STATES)[number];

export interface Topic {
  stream: Stream;
  topic: string;
  partition: number | null;
  offset: number | null;
  records: number;
}

/** The contents of a box as data; words/ has the texts. */
export type Fact =
  | { kind: "accepted"; at: string }
  | { kind: "requested"; event: string; at: string }
  | { kind: "rows"; waiting: number; published: number }
  | { kind: "row"; id: number; event: string }
  | { kind: "tried"; event: string; attempts: number }
  | { kind: "parked"; id: number; event: string; error: string }
  | { kind: "next"; at: string }
  | { kind: "error"; error: string }
  | { kind: "sent"; events: number; attempts: number }
  | { kind: "nothing_sent" }
  | { kind: "topic"; topic: Topic }
  | { kind: "topic_empty"; stream: Stream }
  | { kind: "mark"; event: string; delivery: Delivery }
  | { kind: "nothing_yet" }
  | { kind: "payment"; status: string; reason: string | null }
  | { kind: "call"; call: Call; attempts: number }
  | { kind: "authorization"; id: string }
  | { kind: "tickets"; valid: number; void: number; seats: readonly string[] }
  | { kind: "order"; status: string; reason: string | null; at: string };

export interface Box {
  id: BoxId;
  state: State;
  /** Back: part of the compensation. */
  way: Way;
  facts: readonly Fact[];
}

export type EdgeId = `${BoxId}-${BoxId}`;

export interface Edge {
  id: string;
  from: BoxId;
  to: BoxId;
  way: Way;
  state: State;
  events: readonly string[];
}

export interface Graph {
  boxes: readonly Box[];
  edges: readonly Edge[];
  traces: readonly EventTrace[];
}

const ENDED_BACK: ReadonlySet<string> = new Set(["CANCELLED", "REFUND_PENDING", "REFUNDED"]);
export const DEADLINE = "deadline_passed";

/** `now` in ms: an event that the inbox may have forgotten by now does not count as awaited. */
export function graph(flow: Workflow, now: number): Graph {
  const all = traces(flow, now);
  return { boxes: boxes(flow, all), edges: edges(flow, all), traces: all };
}

export function worst(states: readonly State[]): State {
  return states.reduce<State>((one, other) => (STATES.indexOf(other) > STATES.indexOf(one) ? other : one), "idle");
}

/** No work is in progress, not even work that its customer need not wait for. */
export function isQuiet(flow: Workflow, now: number): boolean {
  if (flow.waiting_for !== null || !["COMPLETED", "CANCELLED", "REFUNDED"].includes(flow.order.status)) return false;
  return graph(flow, now).boxes.every((box) => box.state === "done" || box.state === "idle");
}

// ---- boxes

const SERVICE_BOX: Readonly<Record<Consumer, BoxId>> = {
  "payment-service": "payment",
  "ticket-service": "ticket",
  "order-service": "order",
};

function boxes(flow: Workflow, all: readonly EventTrace[]): readonly Box[] {
  return [
    apiBox(flow, all),
    outboxBox(all),
    workerBox(all),
    kafkaBox(all),
    paymentBox(flow, all),
    gatewayBox(flow.payment),
    ticketBox(flow, all),
    orderBox(flow, all),
  ];
}

function apiBox(flow: Workflow, all: readonly EventTrace[]): Box {
  const requested = all.filter((trace) => isRequested(trace, flow));
  const facts: Fact[] = [{ kind: "accepted", at: flow.order.created_at }];
  facts.push(...requested.map((trace): Fact => ({ kind: "requested", event: trace.name, at: trace.row.occurred_at })));
  return { id: "api", state: "done", way: requested.length ? "back" : "forward", facts };
}

/** The customer requested it from the API; a deadline is a timer of the worker. */
function isRequested(trace: EventTrace, flow: Workflow): boolean {
  return trace.name === "RefundRequested" || (trace.name === "OrderCancelled" && flow.order.reason !== DEADLINE);
}

function outboxBox(all: readonly EventTrace[]): Box {
  const waiting = all.filter((trace) => trace.place !== "topic");
  const first = waiting[0];
  const facts: Fact[] = [{ kind: "rows", waiting: waiting.length, published: all.length - waiting.length }];
  if (first?.place === "parked") {
    facts.push({ kind: "parked", id: first.row.id, event: first.name, error: first.row.last_error ?? "" });
  } else if (first) {
    facts.push({ kind: "row", id: first.row.id, event: first.name });
    if (first.row.next_attempt_at) facts.push({ kind: "next", at: first.row.next_attempt_at });
  }
  return { id: "outbox", state: worst(all.map(outboxState)), way: first?.way ?? "forward", facts };
}

function outboxState(trace: EventTrace): State {
  return ({ outbox: "active", failing: "failing", parked: "stuck", topic: "done" } as const)[trace.place];
}

function workerBox(all: readonly EventTrace[]): Box {
  const sent = all.filter((trace) => trace.place === "topic");
  const failing = all.find((trace) => trace.place === "failing");
  const attempts = sent.reduce((sum, trace) => sum + trace.row.attempts, 0);
  const facts: Fact[] = sent.length ? [{ kind: "sent", events: sent.length, attempts }] : [];
  if (failing) facts.push({ kind: "tried", event: failing.name, attempts: failing.row.attempts });
  if (!facts.length) facts.push({ kind: "nothing_sent" });
  if (failing?.row.last_error) facts.push({ kind: "error", error: failing.row.last_error });
  if (failing?.row.next_attempt_at) facts.push({ kind: "next", at: failing.row.next_attempt_at });
  // The worker does not handle a parked row; the outbox shows it.
  const states = all.filter((trace) => trace.place !== "parked").map(outboxState);
  return { id: "worker", state: worst(states), way: failing?.way ?? "forward", facts };
}

function kafkaBox(all: readonly EventTrace[]): Box {
  const sent = all.filter((trace) => trace.place === "topic");
  const awaited = sent.some((trace) => trace.deliveries.some((one) => one.state === "awaited"));
  const state: State = awaited ? "active" : sent.length ? "done" : "idle";
  return { id: "kafka", state, way: "forward", facts: STREAMS.map((stream) => topicFact(stream, sent)) };
}

function topicFact(stream: Stream, sent: readonly EventTrace[]): Fact {
  const here = sent.filter((trace) => streamOf(trace) === stream);
  const last = here[here.length - 1]?.row;
  if (!last) return { kind: "topic_empty", stream };
  const { partition, offset } = last;
  return { kind: "topic", topic: { stream, topic: last.topic ?? stream, partition, offset, records: here.length } };
}

function streamOf(trace: EventTrace): string {
  return (trace.row.topic ?? "").split(".").pop() ?? "";
}

function paymentBox(flow: Workflow, all: readonly EventTrace[]): Box {
  const payment = flow.payment;
  const facts: Fact[] = payment ? [{ kind: "payment", status: payment.status, reason: payment.reason }] : [];
  const calling: State = payment ? callState(payment) : "idle";
  const way: Way = payment && isGivenUp(payment) ? "back" : "forward";
  return service("payment-service", all, { facts, way, state: calling });
}

function gatewayBox(payment: Payment | null): Box {
  if (payment === null || wasNeverCalled(payment)) {
    return { id: "gateway", state: "idle", way: "forward", facts: [{ kind: "nothing_yet" }] };
  }
  const call = payment.awaiting;
  const facts: Fact[] = [];
  if (call) facts.push({ kind: "call", call, attempts: payment.attempts });
  if (payment.authorization_id) facts.push({ kind: "authorization", id: payment.authorization_id });
  if (call && payment.last_error) facts.push({ kind: "error", error: payment.last_error });
  if (call && payment.attempts > 0 && payment.next_attempt_at)
    facts.push({ kind: "next", at: payment.next_attempt_at });
  if (!facts.length) facts.push({ kind: "payment", status: payment.status, reason: payment.reason });
  return { id: "gateway", state: callState(payment), way: isReleased(payment) ? "back" : "forward", facts };
}

/** Released by the gateway, or about to be. Of a declined payment it never held anything. */
function isReleased(payment: Payment): boolean {
  return isGivenUp(payment) && payment.status !== "DECLINED";
}

/** Given up before it was ever requested: there is nothing to release. */
function wasNeverCalled(payment: Payment): boolean {
  return payment.status === "VOIDED" && payment.attempts === 0 && payment.authorization_id === null;
}

function callState(payment: Payment): State {
  if (!payment.awaiting) return "done";
  return payment.last_error || payment.attempts > 1 ? "failing" : "active";
}

function ticketBox(flow: Workflow, all: readonly EventTrace[]): Box {
  const valid = flow.tickets.filter((ticket) => ticket.status === "VALID");
  const voided = flow.tickets.length - valid.length;
  const seats = flow.tickets.map((ticket) => ticket.seat);
  const facts: Fact[] = flow.tickets.length ? [{ kind: "tickets", valid: valid.length, void: voided, seats }] : [];
  const rejected = all.some((trace) => trace.name === "TicketRejected");
  return service("ticket-service", all, { facts, way: voided || rejected ? "back" : "forward", state: "idle" });
}

function orderBox(flow: Workflow, all: readonly EventTrace[]): Box {
  const { status, reason, updated_at: at } = flow.order;
  const ended = status !== "CREATED" && status !== "PAYMENT_AUTHORIZED" && status !== "REFUND_PENDING";
  return service("order-service", all, {
    facts: [{ kind: "order", status, reason, at }],
    way: ENDED_BACK.has(status) ? "back" : "forward",
    state: ended ? "done" : "idle",
  });
}

function service(consumer: Consumer, all: readonly EventTrace[], own: { facts: Fact[]; way: Way; state: State }): Box {
  const mine = all.flatMap((trace) =>
    trace.deliveries
      .filter((one) => one.consumer === consumer && one.state !== "ahead")
      .map((delivery) => ({ event: trace.name, delivery })),
  );
  const marks = mine.map(({ event, delivery }): Fact => ({ kind: "mark", event, delivery }));
  const next = mine.flatMap(({ delivery }): Fact[] => (delivery.nextAt ? [{ kind: "next", at: delivery.nextAt }] : []));
  const facts = [...own.facts, ...marks, ...next.slice(0, 1)];
  return {
    id: SERVICE_BOX[consumer],
    state: worst([own.state, ...mine.map(({ delivery }) => deliveryState(delivery))]),
    way: own.way,
    facts: facts.length ? facts : [{ kind: "nothing_yet" }],
  };
}

export function deliveryState(delivery: Delivery): State {
  switch (delivery.state) {
    case "ahead":
      return "idle";
    case "awaited":
      return "active";
    case "retrying":
      return "failing";
    case "dead":
      return "stuck";
    default:
      return "done";
  }
}

// ---- edges

function edges(flow: Workflow, all: readonly EventTrace[]): readonly Edge[] {
  const found = new Map<string, Edge>();
  for (const edge of [
    ...EVERY_EDGE,
    ...all.flatMap((trace) => traceEdges(trace, flow)),
    ...gatewayEdges(flow.payment),
  ]) {
    const known = found.get(edge.id);
    found.set(edge.id, known ? joined(known, edge) : edge);
  }
  return [...found.values()];
}

function joined(one: Edge, other: Edge): Edge {
  const events = [...new Set([...one.events, ...other.events])];
  return { ...one, state: worst([one.state, other.state]), events };
}

function edge(from: BoxId, to: BoxId, way: Way, state: State = "idle", events: readonly string[] = []): Edge {
  return { id: `${from}-${to}-${way}`, from, to, way, state, events };
}

/** All edges, so that unused ones are drawn as well. */
const EVERY_EDGE: readonly Edge[] = [
  edge("api", "outbox", "forward"),
  edge("api", "outbox", "back"),
  edge("outbox", "worker", "forward"),
  edge("worker", "kafka", "forward"),
  ...CONSUMERS.flatMap((one) => [edge("kafka", SERVICE_BOX[one], "forward"), edge("kafka", SERVICE_BOX[one], "back")]),
  edge("payment", "gateway", "forward"),
  edge("payment", "gateway", "back"),
  edge("payment", "outbox", "forward"),
  edge("payment", "outbox", "back"),
  edge("ticket", "outbox", "forward"),
  edge("ticket", "outbox", "back"),
];

const PRODUCER_BOX: Readonly<Record<Consumer, BoxId>> = { ...SERVICE_BOX, "order-service": "api" };

function traceEdges(trace: EventTrace, flow: Workflow): readonly Edge[] {
  const events = [trace.name];
  const found = [edge("outbox", "worker", "forward", outboxState(trace), events)];
  const producer = PRODUCER_BOX[trace.row.producer as Consumer];
  const byTimer = trace.name === "OrderCancelled" && flow.order.reason === DEADLINE;
  // The deadline is a timer of the worker, so its event enters the outbox from there.
  if (producer) found.push(edge(byTimer ? "worker" : producer, "outbox", trace.way, "done", events));
  const sent: State = trace.place === "topic" ? "done" : trace.place === "failing" ? "failing" : "idle";
  found.push(edge("worker", "kafka", "forward", sent, events));
  for (const one of trace.deliveries) {
    const box = SERVICE_BOX[one.consumer];
    if (box) found.push(edge("kafka", box, trace.way, deliveryState(one), one.state === "ahead" ? [] : events));
  }
  return found;
}

function gatewayEdges(payment: Payment | null): readonly Edge[] {
  if (payment === null || wasNeverCalled(payment)) return [];
  if (!isReleased(payment)) return [edge("payment", "gateway", "forward", callState(payment))];
  return [edge("payment", "gateway", "forward", "done"), edge("payment", "gateway", "back", callState(payment))];
}
