/** Traces each event of an order: from the outbox to a topic and to the inbox of each of its consumers. */
import type { DeadLetter, InboxMark, OutboxRow, Retry, Workflow } from "./flow";
import { type Consumer, eventName, sagaRow, type SagaRow, type Way } from "./saga";

/** `outbox`: not claimed yet; `failing`: sent but not acknowledged, retried; `parked`: not retried. */
export type Place = "outbox" | "failing" | "parked" | "topic";
/** `ahead`: not published yet; `awaited`: in the topic; `forgotten`: older than the retention of the inbox. */
export type DeliveryState = "ahead" | "awaited" | "handled" | "retrying" | "dead" | "discarded" | "forgotten";

export interface Delivery {
  consumer: Consumer;
  state: DeliveryState;
  attempts: number;
  at: string | null;
  nextAt: string | null;
  error: string | null;
  deadLetter: string | null;
}

export interface EventTrace {
  row: OutboxRow;
  name: string;
  way: Way;
  place: Place;
  /** The name of the event that caused it; null for a request or a timer. */
  cause: string | null;
  deliveries: readonly Delivery[];
}

const FORGETS_AFTER_MS = 24 * 3600 * 1000;

export function traces(flow: Workflow, now: number): readonly EventTrace[] {
  const names = new Map(flow.outbox.map((row) => [row.event_id, eventName(row.type)]));
  return flow.outbox.map((row) => {
    const name = eventName(row.type);
    const saga = sagaRow(name);
    return {
      row,
      name,
      way: saga?.way ?? "forward",
      place: place(row),
      cause: names.get(row.causation_id) ?? null,
      deliveries: deliveries(row, saga, flow, now),
    };
  });
}

export function place(row: OutboxRow): Place {
  if (row.status === "published") return "topic";
  if (row.status === "parked") return "parked";
  return row.attempts > 0 ? "failing" : "outbox";
}

/** Open: not yet handled by all consumers. */
export function isOpen(trace: EventTrace): boolean {
  return trace.place !== "topic" || trace.deliveries.some((one) => OPEN.has(one.state));
}

const OPEN: ReadonlySet<DeliveryState> = new Set(["ahead", "awaited", "retrying", "dead"]);

function deliveries(row: OutboxRow, saga: SagaRow | undefined, flow: Workflow, now: number): readonly Delivery[] {
  const known = flow.inbox.filter((mark) => mark.event_id === row.event_id).map((mark) => mark.consumer as Consumer);
  const consumers = new Set<Consumer>([...(saga?.consumers ?? []), ...known]);
  return [...consumers].map((consumer) => {
    const mine = (one: { consumer: string; event_id: string | null }) =>
      one.consumer === consumer && one.event_id === row.event_id;
    return delivery(consumer, row, now, {
      mark: flow.inbox.find(mine),
      retry: flow.retries.find(mine),
      deadLetter: flow.dead_letters.find(mine),
    });
  });
}

interface Found {
  mark: InboxMark | undefined;
  retry: Retry | undefined;
  deadLetter: DeadLetter | undefined;
}

function delivery(consumer: Consumer, row: OutboxRow, now: number, { mark, retry, deadLetter }: Found): Delivery {
  const blank = { consumer, attempts: mark?.attempts ?? 0, at: null, nextAt: null, error: null, deadLetter: null };
  if (mark?.status === "processed") return { ...blank, state: "handled", at: mark.processed_at };
  if (retry) {
    const { attempts, error, next_attempt_at: nextAt } = retry;
    return { ...blank, state: "retrying", attempts, error, nextAt };
  }
  if (deadLetter && deadLetter.status !== "REPLAYED") {
    const state = deadLetter.status === "DISCARDED" ? "discarded" : "dead";
    return {
      ...blank,
      state,
      attempts: deadLetter.attempts,
      at: deadLetter.created_at,
      error: deadLetter.error,
      deadLetter: deadLetter.id,
    };
  }
  if (row.published_at === null) return { ...blank, state: "ahead" };
  const old = now - Date.parse(row.published_at) > FORGETS_AFTER_MS;
  return { ...blank, state: old ? "forgotten" : "awaited" };
}
