/** Two minutes of samples from GET /ops/lag, and the series that are derived from them. */
import type { Lag } from "../api/schema";

export type { Lag };

export const KEPT_SECONDS = 120;
/** PostgreSQL updates its statistics in steps; over this many seconds a rate is steady. */
const RATE_SECONDS = 10;

export type Metric = "orders" | "published" | "processed" | "lag" | "pending" | "oldest" | "retries" | "deadLetters";
export const METRICS: readonly Metric[] = [
  "orders",
  "published",
  "processed",
  "lag",
  "pending",
  "oldest",
  "retries",
  "deadLetters",
];
const COUNTED = { orders: "orders", published: "published", processed: "processed" } as const;

export interface Point {
  /** ms; the server's clock. */
  at: number;
  /** null: unknown, e.g. no rate yet, or no response. */
  value: number | null;
}

/** Adds a sample unless it is not newer than the last one; drops samples older than two minutes. */
export function addSample(samples: readonly Lag[], sample: Lag): readonly Lag[] {
  const last = samples[samples.length - 1];
  if (last && Date.parse(last.at) >= Date.parse(sample.at)) return samples;
  const oldest = Date.parse(sample.at) - KEPT_SECONDS * 1000;
  return [...samples.filter((one) => Date.parse(one.at) >= oldest), sample];
}

export function series(samples: readonly Lag[], metric: Metric): readonly Point[] {
  return samples.map((sample, index) => ({ at: Date.parse(sample.at), value: value(samples, index, metric) }));
}

function value(samples: readonly Lag[], index: number, metric: Metric): number | null {
  const sample = samples[index]!;
  switch (metric) {
    case "orders":
    case "published":
    case "processed":
      return rate(samples, index, COUNTED[metric]);
    case "lag":
      return sample.unknown.length ? null : sum(sample.consumers.map((one) => one.lag));
    case "pending":
      return sample.outbox.pending;
    case "oldest":
      return sample.outbox.oldest_pending_seconds;
    case "retries":
      return sum(sample.retries.map((one) => one.waiting));
    case "deadLetters":
      return sum(sample.dead_letters.map((one) => one.open));
  }
}

/** Per second, since the sample some seconds ago. null if the total shrank, because then it was reset. */
function rate(samples: readonly Lag[], index: number, total: keyof typeof COUNTED): number | null {
  const sample = samples[index]!;
  const at = Date.parse(sample.at);
  let base: Lag | null = null;
  for (let back = index - 1; back >= 0; back -= 1) {
    const one = samples[back]!;
    if (at - Date.parse(one.at) > 2 * RATE_SECONDS * 1000) break;
    base = one;
    if (at - Date.parse(one.at) >= RATE_SECONDS * 1000) break;
  }
  if (base === null) return null;
  const grown = sample.totals[total] - base.totals[total];
  return grown < 0 ? null : grown / ((at - Date.parse(base.at)) / 1000);
}

function sum(values: readonly number[]): number {
  return values.reduce((one, other) => one + other, 0);
}

/** The lag of each consumer over all its partitions. */
export function lagOf(sample: Lag): readonly { consumer: string; lag: number }[] {
  const found = new Map<string, number>();
  for (const { consumer, lag } of sample.consumers) found.set(consumer, (found.get(consumer) ?? 0) + lag);
  return [...found].map(([consumer, lag]) => ({ consumer, lag })).sort((a, b) => a.consumer.localeCompare(b.consumer));
}
