/** Calls the API by operationId, with the types of its OpenAPI document. */
import { ApiError, errorOf, unreachable } from "./problem";
import { type Operations, ROUTES } from "./schema";
import type { Role, Tokens } from "./session";

export const BASE = "/api";

export type Operation = keyof Operations;
type Part<K extends Operation, P extends string> = P extends keyof Operations[K]
  ? { [Q in P]: Operations[K][Q] }
  : object;
export type Input<K extends Operation> = Part<K, "path"> & Part<K, "query"> & Part<K, "header"> & Part<K, "body">;
export type Result<K extends Operation> = Operations[K]["response"];

export interface Options {
  /** The role of the caller. Default: operator for /ops, customer for everything else. */
  as?: Role | undefined;
  signal?: AbortSignal | undefined;
}

interface Loose {
  path?: Record<string, string>;
  query?: Record<string, string | number | null | undefined>;
  header?: Record<string, string>;
  body?: unknown;
}

export class Client {
  constructor(
    private readonly tokens: Tokens,
    private readonly fetch: typeof globalThis.fetch = (...request) => globalThis.fetch(...request),
  ) {}

  async call<K extends Operation>(name: K, input: Input<K>, options: Options = {}): Promise<Result<K>> {
    const response = await this.open(name, input, options, { accept: "application/json" });
    try {
      return (await response.json()) as Result<K>;
    } catch (error) {
      // The API broke off in the middle of its response.
      throw options.signal?.aborted ? error : unreachable(response.status);
    }
  }

  /** Returns the response with its body unread. Throws ApiError for every status but 2xx. */
  async open<K extends Operation>(
    name: K,
    input: Input<K>,
    { as, signal }: Options,
    headers: Record<string, string>,
  ): Promise<Response> {
    const { method, path, secured } = ROUTES[name];
    const { path: places = {}, query = {}, header = {}, body } = input as Loose;
    const role = secured ? (as ?? (path.startsWith("/ops") ? "operator" : "customer")) : null;
    const send = async (token: string | null) => {
      const all: Record<string, string> = { ...headers, ...header };
      if (token) all.authorization = `Bearer ${token}`;
      if (body !== undefined) all["content-type"] = "application/json";
      return this.sent(BASE + filled(path, places) + search(query), {
        method,
        headers: all,
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? null,
        cache: "no-store",
      });
    };
    const token = role && (await this.tokens.token(role));
    let response = await send(token);
    // The token has expired, or the servers were restarted with another secret.
    if (response.status === 401 && role && token) response = await send(await this.tokens.renew(role, token));
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  private async sent(url: string, request: RequestInit): Promise<Response> {
    try {
      return await this.fetch(url, request);
    } catch (error) {
      if (request.signal?.aborted || error instanceof ApiError) throw error;
      throw unreachable();
    }
  }
}

function filled(path: string, places: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(places[name] ?? ""));
}

function search(query: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string | number] => pair[1] != null);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}
