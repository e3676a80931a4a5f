import { useEffect, useState } from "preact/hooks";

import { client, pause } from "../api";
import { ApiError } from "../api/problem";
import type { Role } from "../api/session";
import { events } from "../api/sse";
import type { Workflow } from "./flow";
import { isQuiet } from "./graph";
import { type Link, type Sources, watch } from "./watch";

export interface Watched {
  /** null before the first response. */
  flow: Workflow | null;
  link: Link | null;
  /** A permanent failure. */
  error: unknown;
}

const NOTHING: Watched = { flow: null, link: null, error: null };

/** Another `turn` opens a new stream, for an order that has just been cancelled or refunded. */
export function useWorkflow(orderId: string, as: Role, turn: number): Watched {
  const [watched, setWatched] = useState<Watched>(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    const update = (news: Partial<Watched>) => setWatched((before) => ({ ...before, ...news }));
    const watcher = {
      see: (flow: Workflow) => update({ flow, error: null }),
      link: (link: Link) => update({ link }),
      fail: (error: unknown) => update({ error }),
    };
    void watch(sourcesOf(orderId, as), watcher, stop.signal);
    return () => stop.abort();
  }, [orderId, as, turn]);
  return watched;
}

function sourcesOf(orderId: string, as: Role): Sources {
  const of = { path: { order_id: orderId } };
  return {
    stream: (signal) => events(client, "watchOrder", of, { as, signal }),
    fetch: (signal) => client.call("getWorkflow", of, { as, signal }),
    isFinal: (error) => error instanceof ApiError && !error.transient,
    isQuiet: (flow) => isQuiet(flow, Date.now()),
    pause,
  };
}
