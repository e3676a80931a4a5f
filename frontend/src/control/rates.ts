/** Two minutes of looks at GET /ops/lag, and the figures and curves that are made of them. */
import type { Lag } from "../api/schema";

export type { Lag };

export const KEPT_SECONDS = 120;
/** The counters are PostgreSQL's statistics, which come in jumps; over so many seconds a rate is steady. */
const RATE_SECONDS = 10;

export type Metric = "orders" | "published" | "processed" | "lag" | "pending" | "oldest" | "retries" | "letters";
export const METRICS: readonly Metric[] = [
  "orders",
  "published",
  "processed",
  "lag",
  "pending",
  "oldest",
  "retries",
  "letters",
];
const COUNTED = { orders: "orders", published: "published", processed: "processed" } as const;

export interface Point {
  /** ms; the server's clock. */
  at: number;
  /** null: not known, e.g. no rate yet, or nobody answered. */
  value: number | null;
}

/** Adds a look; the same moment twice counts once, and what is older than two minutes goes. */
export function added(looks: readonly Lag[], look: Lag): readonly Lag[] {
  const last = looks[looks.length - 1];
  if (last && Date.parse(last.at) >= Date.parse(look.at)) return looks;
  const oldest = Date.parse(look.at) - KEPT_SECONDS * 1000;
  return [...looks.filter((one) => Date.parse(one.at) >= oldest), look];
}

export function series(looks: readonly Lag[], metric: Metric): readonly Point[] {
  return looks.map((look, index) => ({ at: Date.parse(look.at), value: value(looks, index, metric) }));
}

function value(looks: readonly Lag[], index: number, metric: Metric): number | null {
  const look = looks[index]!;
  switch (metric) {
    case "orders":
    case "published":
    case "processed":
      return rate(looks, index, COUNTED[metric]);
    case "lag":
      return look.unknown.length ? null : sum(look.consumers.map((one) => one.lag));
    case "pending":
      return look.outbox.pending;
    case "oldest":
      return look.outbox.oldest_pending_seconds;
    case "retries":
      return sum(look.retries.map((one) => one.waiting));
    case "letters":
      return sum(look.dead_letters.map((one) => one.open));
  }
}

/** Per second since the look some seconds ago. A total that shrank began anew: then there is no rate yet. */
function rate(looks: readonly Lag[], index: number, total: keyof typeof COUNTED): number | null {
  const look = looks[index]!;
  const at = Date.parse(look.at);
  let base: Lag | null = null;
  for (let back = index - 1; back >= 0; back -= 1) {
    const one = looks[back]!;
    if (at - Date.parse(one.at) > 2 * RATE_SECONDS * 1000) break;
    base = one;
    if (at - Date.parse(one.at) >= RATE_SECONDS * 1000) break;
  }
  if (base === null) return null;
  const grown = look.totals[total] - base.totals[total];
  return grown < 0 ? null : grown / ((at - Date.parse(base.at)) / 1000);
}

function sum(values: readonly number[]): number {
  return values.reduce((one, other) => one + other, 0);
}

/** The lag of each consumer over all its partitions. */
export function lagOf(look: Lag): readonly { consumer: string; lag: number }[] {
  const found = new Map<string, number>();
  for (const { consumer, lag } of look.consumers) found.set(consumer, (found.get(consumer) ?? 0) + lag);
  return [...found].map(([consumer, lag]) => ({ consumer, lag })).sort((a, b) => a.consumer.localeCompare(b.consumer));
}
