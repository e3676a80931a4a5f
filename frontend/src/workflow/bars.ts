/** How long each message lay where, as shares of the whole time of the order. */
import type { Hop } from "./hops";

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

export function bars(hops: readonly Hop[], now: number): readonly Bar[] {
  const spans = hops.map((hop) => spanOf(hop, now));
  const from = Math.min(...spans.map((one) => one.written));
  const whole = Math.max(1, ...spans.map((one) => one.handled - from));
  const share = (ms: number) => Math.round((ms / whole) * 1000) / 10;
  return spans.map(({ hop, written, published, handled, isPublished, isHandled }) => ({
    event: hop.name,
    key: hop.row.event_id,
    start: share(written - from),
    outbox: share(published - written),
    kafka: share(handled - published),
    open: !isHandled,
    outboxMs: isPublished ? published - written : null,
    kafkaMs: isHandled ? handled - published : null,
  }));
}

function spanOf(hop: Hop, now: number) {
  const written = Date.parse(hop.row.occurred_at);
  const isPublished = hop.row.published_at !== null;
  const acknowledged = isPublished ? Date.parse(hop.row.published_at!) : Math.max(now, written);
  const marks = hop.deliveries.flatMap((one) => (one.at === null ? [] : [Date.parse(one.at)]));
  const isHandled = isPublished && hop.deliveries.every((one) => one.at !== null || one.state === "forgotten");
  // A fast consumer is done before the worker has noted that Kafka has it.
  const published = Math.max(written, Math.min(acknowledged, ...marks));
  const last = Math.max(published, ...marks);
  const handled = isHandled || !isPublished ? last : Math.max(last, now);
  return { hop, written, published, handled, isPublished, isHandled };
}
