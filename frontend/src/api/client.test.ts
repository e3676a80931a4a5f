import { describe, expect, test } from "vitest";

import { Client } from "./client";
import { answering, json, problem } from "./making";
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
    const { sent, fetch } = answering(json({ items: [] }));

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
    const { sent, fetch } = answering(json({}, 201));
    const body = { items: [{ flight_id: "f", seats: 1 }] };

    await new Client(tokens(), fetch).call("placeOrder", { header: { "Idempotency-Key": "k" }, body });

    expect(sent[0]!.headers).toMatchObject({ "Idempotency-Key": "k", authorization: "Bearer customer-1" });
    expect(JSON.parse(sent[0]!.body!)).toEqual(body);
  });

  test("to /ops goes out as an operator, another one only when it is said", async () => {
    const { sent, fetch } = answering(json({}));
    const client = new Client(tokens(), fetch);

    await client.call("getLag", {});
    await client.call("getOrder", { path: { order_id: "a/b" } }, { as: "operator" });

    expect(sent.map((one) => [one.url, one.headers.authorization])).toEqual([
      ["/api/ops/lag", "Bearer operator-1"],
      ["/api/orders/a%2Fb", "Bearer operator-1"],
    ]);
  });

  test("is made once more with a new token when the old one is refused", async () => {
    const { sent, fetch } = answering(problem(401, "unauthorized"), json(orders));
    const held = tokens();

    expect(await new Client(held, fetch).call("listOrders", { query: {} })).toEqual(orders);
    expect(held.renewed).toEqual(["customer"]);
    expect(sent.map((one) => one.headers.authorization)).toEqual(["Bearer customer-1", "Bearer customer-2"]);
  });

  test("is not made for ever when every token is refused", async () => {
    const { sent, fetch } = answering(problem(401, "unauthorized"));

    expect(await failure(new Client(tokens(), fetch).call("listOrders", { query: {} }))).toMatchObject({ status: 401 });
    expect(sent).toHaveLength(2);
  });
});

describe("a failure", () => {
  test("is what the API says it is", async () => {
    const { fetch } = answering(problem(409, "sold_out"));

    const error = await failure(new Client(tokens(), fetch).call("getLag", {}));

    expect(error).toMatchObject({ status: 409, code: "sold_out", title: "No", message: "because", passing: false });
  });

  test.each([
    ["nobody is there", () => new TypeError("fetch failed")],
    ["a proxy answers", () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
    ["the answer breaks off", () => new Response('{"items": [', { headers: { "content-type": "application/json" } })],
  ])("passes when %s", async (_, answer) => {
    const { fetch } = answering(answer);

    const error = await failure(new Client(tokens(), fetch).call("listOrders", { query: {} }));

    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: UNREACHABLE, passing: true });
  });

  test("of a service that is away passes, a refusal does not", async () => {
    for (const [status, passing] of [
      [503, true],
      [404, false],
    ] as const) {
      const { fetch } = answering(problem(status, "x"));
      expect((await failure(new Client(tokens(), fetch).call("getLag", {})))?.passing).toBe(passing);
    }
  });
});
