/** For tests: a memory that lasts as long as the test, and a fetch with prepared responses. */
import type { Memory } from "../parts/memory";

export function fakeMemory(): Memory {
  const held = new Map<string, string>();
  return {
    read: <T>(name: string) => JSON.parse(held.get(name) ?? "null") as T | null,
    write: (name, value) => void held.set(name, JSON.stringify(value)),
    remove: (name) => void held.delete(name),
  };
}

export interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string | null;
}

/** Returns the responses in turn, then repeats the last one. An Error is thrown. */
export function fakeFetch(...answers: (() => Response | Error)[]) {
  const sent: Sent[] = [];
  const fetch = (url: RequestInfo | URL, request: RequestInit = {}): Promise<Response> => {
    const answer = answers[Math.min(sent.length, answers.length - 1)]!();
    sent.push({
      url: String(url),
      method: request.method ?? "GET",
      headers: request.headers as Record<string, string>,
      body: request.body as string | null,
    });
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { sent, fetch: fetch as typeof globalThis.fetch };
}

export function json(body: unknown, status = 200, type = "application/json"): () => Response {
  return () => new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
}

export function problem(status: number, code: string): () => Response {
  return json(
    { type: "about:blank", title: "No", status, code, detail: "because" },
    status,
    "application/problem+json",
  );
}
