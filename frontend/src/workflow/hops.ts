/** The journey of each event of an order: out of the outbox, into a topic, into the inbox of each of its consumers. */
import type { DeadLetter, InboxMark, OutboxRow, Retry, Workflow } from "./flow";
import { type Consumer, eventName, sagaRow, type SagaRow, type Way } from "./saga";

/** `outbox`: no worker has taken it; `failing`: taken and not acknowledged, tried again; `parked`: not tried again. */
export type Place = "outbox" | "failing" | "parked" | "topic";
/** `ahead`: not published yet; `awaited`: in the topic; `forgotten`: published so long ago that the inbox forgets. */
export type DeliveryState = "ahead" | "awaited" | "handled" | "retrying" | "dead" | "discarded" | "forgotten";

export interface Delivery {
  consumer: Consumer;
  state: DeliveryState;
  attempts: number;
  at: string | null;
  nextAt: string | null;
  error: string | null;
  letter: string | null;
}

export interface Hop {
  row: OutboxRow;
  name: string;
  way: Way;
  place: Place;
  /** The name of the event that led to it; null when a request or a timer did. */
  cause: string | null;
  deliveries: readonly Delivery[];
}

const FORGETS_AFTER_MS = 24 * 3600 * 1000;

export function hops(flow: Workflow, now: number): readonly Hop[] {
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

/** Open: something of it is still to come. */
export function isOpen(hop: Hop): boolean {
  return hop.place !== "topic" || hop.deliveries.some((one) => OPEN.has(one.state));
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
      letter: flow.dead_letters.find(mine),
    });
  });
}

interface Found {
  mark: InboxMark | undefined;
  retry: Retry | undefined;
  letter: DeadLetter | undefined;
}

function delivery(consumer: Consumer, row: OutboxRow, now: number, { mark, retry, letter }: Found): Delivery {
  const blank = { consumer, attempts: mark?.attempts ?? 0, at: null, nextAt: null, error: null, letter: null };
  if (mark?.status === "processed") return { ...blank, state: "handled", at: mark.processed_at };
  if (retry) {
    const { attempts, error, next_attempt_at: nextAt } = retry;
    return { ...blank, state: "retrying", attempts, error, nextAt };
  }
  if (letter && letter.status !== "REPLAYED") {
    const state = letter.status === "DISCARDED" ? "discarded" : "dead";
    return {
      ...blank,
      state,
      attempts: letter.attempts,
      at: letter.created_at,
      error: letter.error,
      letter: letter.id,
    };
  }
  if (row.published_at === null) return { ...blank, state: "ahead" };
  const old = now - Date.parse(row.published_at) > FORGETS_AFTER_MS;
  return { ...blank, state: old ? "forgotten" : "awaited" };
}
