import { describe, expect, test } from "vitest";

import type { Workflow } from "./flow";
import { flow } from "./fixtures";
import { type Sources, type StreamEvent, watch } from "./watch";

const PLACED = flow("CREATED");
const DONE = flow("COMPLETED");
const told = (seen: Workflow): StreamEvent => ({ event: "workflow", data: JSON.stringify(seen) });
const END: StreamEvent = { event: "end", data: "{}" };
const BROKEN = new Error("broken");
const GONE = new Error("not found");

/** Each stream is a list of what it tells; it breaks at an error. Asking answers in turn, the last answer for ever. */
async function watched(streams: (StreamEvent | Error)[][], answers: (Workflow | Error)[], quiet = true, looks = 20) {
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
    async ask() {
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    isFinal: (error) => error === GONE,
    isQuiet: () => quiet,
    async pause() {
      looks -= 1;
      if (looks === 0) stop.abort();
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

describe("an order in sight", () => {
  test("is shown at every change until its stream ends", async () => {
    expect(await watched([[told(PLACED), told(DONE), END]], [])).toEqual([
      "CREATED",
      "live",
      "COMPLETED",
      "live",
      "ended",
    ]);
  });

  test("is asked for when its stream breaks, and followed again when there is a new one", async () => {
    const seen = await watched(
      [
        [told(PLACED), BROKEN],
        [told(DONE), END],
      ],
      [PLACED],
    );

    expect(seen).toEqual(["CREATED", "live", "CREATED", "polling", "COMPLETED", "live", "ended"]);
  });

  test("a stream that closes without an end is opened again", async () => {
    expect((await watched([[told(PLACED)], [told(DONE), END]], [PLACED])).at(-1)).toBe("ended");
  });

  test("stays as it was while nobody answers, and comes back", async () => {
    const seen = await watched([[told(PLACED), BROKEN], [BROKEN], [told(DONE), END]], [BROKEN]);

    expect(seen).toEqual(["CREATED", "live", "lost", "lost", "COMPLETED", "live", "ended"]);
  });

  test("that does not exist is a failure, not a reason to wait", async () => {
    expect(await watched([[GONE]], [])).toEqual(["Error: not found"]);
    expect(await watched([[BROKEN]], [GONE])).toEqual(["Error: not found"]);
  });

  test("whose last traces are still on their way is looked at a few times more, not for ever", async () => {
    const seen = await watched([[told(DONE), END]], [DONE], false);

    expect(seen.filter((one) => one === "COMPLETED")).toHaveLength(11);
    expect(seen.at(-1)).toBe("ended");
  });

  test("nothing is told any more when nobody looks", async () => {
    expect(await watched([], [PLACED], true, 1)).toEqual(["CREATED", "polling"]);
  });
});
