/** Watches an order until its end: by its stream, and by polling while the stream is interrupted. */
import type { Workflow } from "./flow";

export interface StreamEvent {
  event: string;
  data: string;
}

/** `live`: notified of every change; `polling`: requested every few seconds; `lost`: no response; `ended`: final. */
export type Link = "live" | "polling" | "lost" | "ended";

export interface Sources {
  /** Throws if it cannot be opened or breaks. */
  stream: (signal: AbortSignal) => AsyncIterable<StreamEvent>;
  fetch: (signal: AbortSignal) => Promise<Workflow>;
  /** A permanent failure, such as an order that does not exist. */
  isFinal: (error: unknown) => boolean;
  isQuiet: (flow: Workflow) => boolean;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Watcher {
  see: (flow: Workflow) => void;
  link: (link: Link) => void;
  fail: (error: unknown) => void;
}

const PAUSE_MS = 2000;
/** After its stream has ended, the last traces of an order may still be on the way. */
const LAST_CHECKS = 10;

export async function watch(sources: Sources, watcher: Watcher, signal: AbortSignal): Promise<void> {
  try {
    let last: Workflow | null = null;
    const see = (flow: Workflow) => {
      last = flow;
      watcher.see(flow);
    };
    while (!signal.aborted) {
      if (await follow(sources, watcher, see, signal)) {
        await pollLastTraces(sources, see, () => last !== null && sources.isQuiet(last), signal);
        watcher.link("ended");
        return;
      }
      await poll(sources, watcher, see, signal);
      await sources.pause(PAUSE_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) watcher.fail(error);
  }
}

type See = (flow: Workflow) => void;

/** Returns true if the stream ended, false if it broke. */
async function follow(sources: Sources, watcher: Watcher, see: See, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const { event, data } of sources.stream(signal)) {
      if (event === "end") return true;
      if (event !== "workflow") continue;
      see(JSON.parse(data) as Workflow);
      watcher.link("live");
    }
  } catch (error) {
    if (signal.aborted || sources.isFinal(error)) throw error;
  }
  return false;
}

async function poll(sources: Sources, watcher: Watcher, see: See, signal: AbortSignal): Promise<void> {
  try {
    see(await sources.fetch(signal));
    watcher.link("polling");
  } catch (error) {
    if (signal.aborted || sources.isFinal(error)) throw error;
    watcher.link("lost");
  }
}

async function pollLastTraces(sources: Sources, see: See, isQuiet: () => boolean, signal: AbortSignal): Promise<void> {
  for (let check = 0; check < LAST_CHECKS && !isQuiet(); check += 1) {
    await sources.pause(PAUSE_MS, signal);
    await sources.fetch(signal).then(see, (error: unknown) => {
      if (signal.aborted) throw error;
    });
  }
}
