import { describe, expect, test } from "vitest";

import { Client } from "./client";
import { fakeFetch, json, problem } from "./fixtures";
import { ApiError, UNREACHABLE } from "./problem";
import type { Role, Tokens } from "./session";

function tokens(): Tokens & { renewed: Role[] } {
  const renewed: Role[] = [];
  return {
    renewed,
    token: (role) => Promise.resolve(`${role}-1`),
    renew: (role) => {
      renewed.push(role);
      return Promise.resolve(`${role}-2`);
    },
  };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error as ApiError,
  );
const orders = { items: [], next_cursor: null };

describe("a call", () => {
  test("goes to its path under /api, with what was given and nothing else", async () => {
    const { sent, fetch } = fakeFetch(json({ items: [] }));

    await new Client(tokens(), fetch).call("searchFlights", { query: { from: "SVO", to: "LED", date: "2026-12-01" } });

    expect(sent).toEqual([
      {
        url: "/api/flights?from=SVO&to=LED&date=2026-12-01",
        method: "GET",
        headers: { accept: "application/json" },
        body: null,
      },
    ]);
  });

  test("carries its key, its body and the customer's token", async () => {
    const { sent, fetch } = fakeFetch(json({}, 201));
    const body = { items: [{ flight_id: "f", seats: 1 }] };

    await new Client(tokens(), fetch).call("placeOrder", { header: { "Idempotency-Key": "k" }, body });

    expect(sent[0]!.headers).toMatchObject({ "Idempotency-Key": "k", authorization: "Bearer customer-1" });
    expect(JSON.parse(sent[0]!.body!)).toEqual(body);
  });

  test("to /ops is made as an operator, another one only if that is requested", async () => {
    const { sent, fetch } = fakeFetch(json({}));
    const client = new Client(tokens(), fetch);

    await client.call("getLag", {});
    await client.call("getOrder", { path: { order_id: "a/b" } }, { as: "operator" });

    expect(sent.map((one) => [one.url, one.headers.authorization])).toEqual([
      ["/api/ops/lag", "Bearer operator-1"],
      ["/api/orders/a%2Fb", "Bearer operator-1"],
    ]);
  });

  test("is made once more with a new token when the old one is refused", async () => {
    const { sent, fetch } = fakeFetch(problem(401, "unauthorized"), json(orders));
    const held = tokens();

    expect(await new Client(held, fetch).call("listOrders", { query: {} })).toEqual(orders);
    expect(held.renewed).toEqual(["customer"]);
    expect(sent.map((one) => one.headers.authorization)).toEqual(["Bearer customer-1", "Bearer customer-2"]);
  });

  test("is made only twice when every token is refused", async () => {
    const { sent, fetch } = fakeFetch(problem(401, "unauthorized"));

    expect(await failure(new Client(tokens(), fetch).call("listOrders", { query: {} }))).toMatchObject({ status: 401 });
    expect(sent).toHaveLength(2);
  });
});

describe("a failure", () => {
  test("is what the API says it is", async () => {
    const { fetch } = fakeFetch(problem(409, "sold_out"));

    const error = await failure(new Client(tokens(), fetch).call("getLag", {}));

    expect(error).toMatchObject({ status: 409, code: "sold_out", title: "No", message: "because", transient: false });
  });

  test.each([
    ["there is no connection", () => new TypeError("fetch failed")],
    ["a proxy responds", () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
    ["the response breaks off", () => new Response('{"items": [', { headers: { "content-type": "application/json" } })],
  ])("is transient when %s", async (_, answer) => {
    const { fetch } = fakeFetch(answer);

    const error = await failure(new Client(tokens(), fetch).call("listOrders", { query: {} }));

    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: UNREACHABLE, transient: true });
  });

  test("of an unavailable service is transient, a refusal is not", async () => {
    for (const [status, transient] of [
      [503, true],
      [404, false],
    ] as const) {
      const { fetch } = fakeFetch(problem(status, "x"));
      expect((await failure(new Client(tokens(), fetch).call("getLag", {})))?.transient).toBe(transient);
    }
  });
});
