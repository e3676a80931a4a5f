/** The time of each message in the outbox and in Kafka, as shares of the duration of the order. */
import type { EventTrace } from "./traces";

export interface Bar {
  event: string;
  key: string;
  /** Percent of the whole width. */
  start: number;
  outbox: number;
  kafka: number;
  open: boolean;
  /** ms in the outbox, and from there to the last consumer; null while it is not over. */
  outboxMs: number | null;
  kafkaMs: number | null;
}

export function bars(traces: readonly EventTrace[], now: number): readonly Bar[] {
  const spans = traces.map((trace) => spanOf(trace, now));
  const from = Math.min(...spans.map((one) => one.written));
  const whole = Math.max(1, ...spans.map((one) => one.handled - from));
  const share = (ms: number) => Math.round((ms / whole) * 1000) / 10;
  return spans.map(({ trace, written, published, handled, isPublished, isHandled }) => ({
    event: trace.name,
    key: trace.row.event_id,
    start: share(written - from),
    outbox: share(published - written),
    kafka: share(handled - published),
    open: !isHandled,
    outboxMs: isPublished ? published - written : null,
    kafkaMs: isHandled ? handled - published : null,
  }));
}

function spanOf(trace: EventTrace, now: number) {
  const written = Date.parse(trace.row.occurred_at);
  const isPublished = trace.row.published_at !== null;
  const acknowledged = isPublished ? Date.parse(trace.row.published_at!) : Math.max(now, written);
  const marks = trace.deliveries.flatMap((one) => (one.at === null ? [] : [Date.parse(one.at)]));
  const isHandled = isPublished && trace.deliveries.every((one) => one.at !== null || one.state === "forgotten");
  // A fast consumer is done before the worker has noted that Kafka has it.
  const published = Math.max(written, Math.min(acknowledged, ...marks));
  const last = Math.max(published, ...marks);
  const handled = isHandled || !isPublished ? last : Math.max(last, now);
  return { trace, written, published, handled, isPublished, isHandled };
}
