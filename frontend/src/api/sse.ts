/** Server-sent events over fetch, because EventSource sends no Authorization header. */
import type { Client, Input, Operation, Options } from "./client";
import { unreachable } from "./problem";

export interface StreamEvent {
  event: string;
  data: string;
  id: string;
}

/** The API says something every 15 seconds; a stream that is silent for longer is dead. */
const SILENCE_MS = 40_000;

/** Throws ApiError when the stream cannot be opened, breaks or falls silent; returns when the server closes it. */
export async function* events<K extends Operation>(
  client: Client,
  name: K,
  input: Input<K>,
  { as, signal }: Options,
): AsyncGenerator<StreamEvent, void, void> {
  const silent = new AbortController();
  const either = signal ? AbortSignal.any([signal, silent.signal]) : silent.signal;
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const response = await client.open(name, input, { as, signal: either }, { accept: "text/event-stream" });
    const reader = new EventReader();
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      yield* reader.read(text);
    }
  } catch (error) {
    if (silent.signal.aborted || error instanceof TypeError) throw unreachable();
    throw error;
  } finally {
    clearTimeout(timer);
    // A reader that stops closes the connection.
    silent.abort();
  }
}

/** Text as it arrives, in pieces of any size, to events (WHATWG HTML, 9.2.6). */
export class EventReader {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id = "";

  *read(text: string): Generator<StreamEvent, void, void> {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") {
        if (this.data.length) yield { event: this.event || "message", data: this.data.join("\n"), id: this.id };
        this.event = "";
        this.data = [];
      } else {
        this.field(line);
      }
    }
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id") this.id = value;
  }
}
