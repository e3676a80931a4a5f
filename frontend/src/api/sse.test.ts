import { describe, expect, test, vi } from "vitest";

import { Client } from "./client";
import { problem } from "./fixtures";
import { UNREACHABLE } from "./problem";
import { EventReader, events, type StreamEvent } from "./sse";

const STREAM = 'retry: 2000\n\n: still here\n\nevent: workflow\nid: 7f\ndata: {"a":1}\n\nevent: end\ndata: {}\n\n';
const READ: StreamEvent[] = [
  { event: "workflow", data: '{"a":1}', id: "7f" },
  { event: "end", data: "{}", id: "7f" },
];

function read(...pieces: string[]): StreamEvent[] {
  const reader = new EventReader();
  return pieces.flatMap((piece) => [...reader.read(piece)]);
}

describe("events", () => {
  test("are read from pieces cut anywhere", () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      expect(read(STREAM.slice(0, cut), STREAM.slice(cut))).toEqual(READ);
    }
  });

  test.each(["\r\n", "\r"])("are read whatever ends a line", (ends) => {
    const text = STREAM.replaceAll("\n", ends);
    for (let cut = 0; cut <= text.length; cut += 1) {
      const found = read(text.slice(0, cut), text.slice(cut), ": the next");
      expect(found).toEqual(READ);
    }
  });

  test("keep the lines of their data apart; one without data is none", () => {
    expect(read("data: a\ndata:b\n\nevent: x\n\n")).toEqual([{ event: "message", data: "a\nb", id: "" }]);
  });
});

const TOKENS = { token: () => Promise.resolve("t"), renew: () => Promise.resolve("t") };

/** A server whose stream says this and stays open. */
function saying(...pieces: string[]) {
  return (_: unknown, request?: RequestInit) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        request!.signal!.addEventListener("abort", () => controller.error(request!.signal!.reason));
      },
    });
    return Promise.resolve(new Response(body));
  };
}

const watching = (fetch: typeof globalThis.fetch, signal?: AbortSignal) =>
  events(new Client(TOKENS, fetch), "watchOrder", { path: { order_id: "o" } }, { signal });

describe("a stream", () => {
  test("gives its events one by one", async () => {
    const stream = watching(saying(STREAM));

    expect((await stream.next()).value).toEqual(READ[0]);
    expect((await stream.next()).value).toEqual(READ[1]);
    await stream.return();
  });

  test("that is refused throws the API's reason", async () => {
    const refused = watching(() => Promise.resolve(problem(404, "order_not_found")()));

    await expect(refused.next()).rejects.toMatchObject({ code: "order_not_found", transient: false });
  });

  test("that falls silent is given up", async () => {
    vi.useFakeTimers();
    try {
      const stream = watching(saying(": still here\n\n"));
      const ended = expect(stream.next()).rejects.toMatchObject({ code: UNREACHABLE });
      await vi.advanceTimersByTimeAsync(41_000);
      await ended;
    } finally {
      vi.useRealTimers();
    }
  });

  test("is hung up by who opened it", async () => {
    const stop = new AbortController();
    const stream = watching(saying(STREAM), stop.signal);
    await stream.next();
    await stream.next();

    stop.abort();

    await expect(stream.next()).rejects.toMatchObject({ name: "AbortError" });
  });
});
