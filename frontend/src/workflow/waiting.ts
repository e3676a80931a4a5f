/** `waiting_for` taken apart, so that it can be told in the reader's language. Its words are usecase/orders/waiting.py's. */
import type { WaitingFor } from "./flow";
import type { Call } from "./payments";

export type Waiting = { until: string | null; command: string | null } & (
  | { kind: "dead"; consumer: string; event: string; letter: string; attempts: number; error: string }
  | { kind: "parked"; event: string; row: string; attempts: number; error: string }
  | { kind: "retry"; consumer: string; event: string; attempts: number; error: string }
  | { kind: "call"; call: Call; status: string; attempts: number; error: string | null }
  | { kind: "publish"; event: string; row: string; attempts: number; error: string | null }
  | { kind: "handle"; consumer: string; event: string; place: string }
  | { kind: "nothing" }
  /** Words that this page does not know: shown as they came. */
  | { kind: "other"; what: string; where: string }
);

type Reading = { [K in Waiting["kind"]]: Omit<Extract<Waiting, { kind: K }>, "until" | "command"> }[Waiting["kind"]];

export function waiting(found: WaitingFor): Waiting {
  const { what, where, until, command } = found;
  const reading = handling(what, where) ?? publishing(what, where) ?? calling(what, where) ?? nothing(what);
  return { ...(reading ?? { kind: "other", what, where }), until, command } as Waiting;
}

function handling(what: string, where: string): Reading | null {
  const [, consumer, event] = /^(\S+) to handle (.+)$/.exec(what) ?? [];
  if (consumer === undefined || event === undefined) return null;
  const dead = /^dead letter (\S+) after (\d+) attempts: (.*)$/s.exec(where);
  if (dead) {
    return { kind: "dead", consumer, event, letter: dead[1]!, attempts: Number(dead[2]), error: dead[3]! };
  }
  const retry = /^retries of \S+, after (\d+) attempts: (.*)$/s.exec(where);
  if (retry) return { kind: "retry", consumer, event, attempts: Number(retry[1]), error: retry[2]! };
  const topic = /^(\S+\[\d+\]@\d+), not yet in the inbox of /.exec(where);
  return topic ? { kind: "handle", consumer, event, place: topic[1]! } : null;
}

function publishing(what: string, where: string): Reading | null {
  const event = /^(.+) to be published$/.exec(what)?.[1];
  if (event === undefined) return null;
  const parked = /^row (\d+) of the outbox, parked after (\d+) attempts: (.*)$/s.exec(where);
  if (parked) return { kind: "parked", event, row: parked[1]!, attempts: Number(parked[2]), error: parked[3]! };
  const tried = /^row (\d+) of the outbox, after (\d+) attempts: (.*)$/s.exec(where);
  if (tried) return { kind: "publish", event, row: tried[1]!, attempts: Number(tried[2]), error: tried[3]! };
  const fresh = /^row (\d+) of the outbox, no worker has taken it yet$/.exec(where);
  return fresh ? { kind: "publish", event, row: fresh[1]!, attempts: 0, error: null } : null;
}

function calling(what: string, where: string): Reading | null {
  const call = /^the gateway to (authorize|capture|release) the payment$/.exec(what)?.[1] as Call | undefined;
  const [, status, asked] = /^the payment is (\w+), (.*)$/s.exec(where) ?? [];
  if (!call || status === undefined || asked === undefined) return null;
  const attempt = /^attempt (\d+)(?:: (.*)| is under way)$/s.exec(asked);
  return { kind: "call", call, status, attempts: attempt ? Number(attempt[1]) : 0, error: attempt?.[2] ?? null };
}

function nothing(what: string): Reading | null {
  return what === "the next event" ? { kind: "nothing" } : null;
}
