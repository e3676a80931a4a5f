import { describe, expect, test } from "vitest";

import type { Workflow } from "./flow";
import { flow } from "./fixtures";
import { type Sources, type StreamEvent, watch } from "./watch";

const PLACED = flow("CREATED");
const DONE = flow("COMPLETED");
const update = (seen: Workflow): StreamEvent => ({ event: "workflow", data: JSON.stringify(seen) });
const END: StreamEvent = { event: "end", data: "{}" };
const BROKEN = new Error("broken");
const GONE = new Error("not found");

/** Each stream is a list of events, and breaks at an error. Requests get the responses in turn, then the last one again. */
async function watched(streams: (StreamEvent | Error)[][], answers: (Workflow | Error)[], quiet = true, checks = 20) {
  const seen: string[] = [];
  const stop = new AbortController();
  const sources: Sources = {
    async *stream() {
      const stream = streams.shift() ?? [BROKEN];
      for (const one of stream) {
        if (one instanceof Error) throw one;
        yield one;
      }
    },
    async fetch() {
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    isFinal: (error) => error === GONE,
    isQuiet: () => quiet,
    async pause() {
      checks -= 1;
      if (checks === 0) stop.abort();
    },
  };
  const see = (one: Workflow) => seen.push(one.order.status);
  await watch(
    sources,
    { see, link: (link) => seen.push(link), fail: (error) => seen.push(String(error)) },
    stop.signal,
  );
  return seen;
}

describe("a watched order", () => {
  test("is shown at every change until its stream ends", async () => {
    expect(await watched([[update(PLACED), update(DONE), END]], [])).toEqual([
      "CREATED",
      "live",
      "COMPLETED",
      "live",
      "ended",
    ]);
  });

  test("is polled when its stream breaks, and followed again when there is a new one", async () => {
    const seen = await watched(
      [
        [update(PLACED), BROKEN],
        [update(DONE), END],
      ],
      [PLACED],
    );

    expect(seen).toEqual(["CREATED", "live", "CREATED", "polling", "COMPLETED", "live", "ended"]);
  });

  test("a stream that closes without an end event is reopened", async () => {
    expect((await watched([[update(PLACED)], [update(DONE), END]], [PLACED])).at(-1)).toBe("ended");
  });

  test("keeps its last state while the API does not respond, and recovers", async () => {
    const seen = await watched([[update(PLACED), BROKEN], [BROKEN], [update(DONE), END]], [BROKEN]);

    expect(seen).toEqual(["CREATED", "live", "lost", "lost", "COMPLETED", "live", "ended"]);
  });

  test("that does not exist is a final failure", async () => {
    expect(await watched([[GONE]], [])).toEqual(["Error: not found"]);
    expect(await watched([[BROKEN]], [GONE])).toEqual(["Error: not found"]);
  });

  test("with its last traces on the way is checked a limited number of times", async () => {
    const seen = await watched([[update(DONE), END]], [DONE], false);

    expect(seen.filter((one) => one === "COMPLETED")).toHaveLength(11);
    expect(seen.at(-1)).toBe("ended");
  });

  test("nothing is reported after the watcher is stopped", async () => {
    expect(await watched([], [PLACED], true, 1)).toEqual(["CREATED", "polling"]);
  });
});
