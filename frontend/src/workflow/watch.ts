/** Keeps an order in sight: by its stream while that lives, by asking now and then while it does not, until the end. */
import type { Workflow } from "./flow";

export interface StreamEvent {
  event: string;
  data: string;
}

/** `live`: told of every change; `polling`: asked every few seconds; `lost`: nobody answers; `ended`: nothing changes. */
export type Link = "live" | "polling" | "lost" | "ended";

export interface Sources {
  /** Throws when it cannot be opened, or breaks. */
  stream: (signal: AbortSignal) => AsyncIterable<StreamEvent>;
  ask: (signal: AbortSignal) => Promise<Workflow>;
  /** A failure that no waiting mends, such as an order that does not exist. */
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
/** After its stream has ended, an order may have last traces on their way. */
const LAST_LOOKS = 10;

export async function watch(sources: Sources, watcher: Watcher, signal: AbortSignal): Promise<void> {
  try {
    let last: Workflow | null = null;
    const see = (flow: Workflow) => {
      last = flow;
      watcher.see(flow);
    };
    while (!signal.aborted) {
      if (await followed(sources, watcher, see, signal)) {
        await traced(sources, see, () => last !== null && sources.isQuiet(last), signal);
        watcher.link("ended");
        return;
      }
      await asked(sources, watcher, see, signal);
      await sources.pause(PAUSE_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) watcher.fail(error);
  }
}

type See = (flow: Workflow) => void;

/** True when the stream came to its end, false when it broke. */
async function followed(sources: Sources, watcher: Watcher, see: See, signal: AbortSignal): Promise<boolean> {
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

async function asked(sources: Sources, watcher: Watcher, see: See, signal: AbortSignal): Promise<void> {
  try {
    see(await sources.ask(signal));
    watcher.link("polling");
  } catch (error) {
    if (signal.aborted || sources.isFinal(error)) throw error;
    watcher.link("lost");
  }
}

async function traced(sources: Sources, see: See, isQuiet: () => boolean, signal: AbortSignal): Promise<void> {
  for (let look = 0; look < LAST_LOOKS && !isQuiet(); look += 1) {
    await sources.pause(PAUSE_MS, signal);
    await sources.ask(signal).then(see, (error: unknown) => {
      if (signal.aborted) throw error;
    });
  }
}
