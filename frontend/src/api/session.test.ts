import { describe, expect, test } from "vitest";

import { fakeMemory } from "./fixtures";
import type { DemoBody, DemoToken } from "./schema";
import { Session } from "./session";

const HOUR = 3_600_000;

/** Mints numbered tokens for an hour; a visitor without a name gets one. */
function mint() {
  const requests: DemoBody[] = [];
  const make = (body: DemoBody): Promise<DemoToken> => {
    requests.push(body);
    const role = body.role ?? "customer";
    const user = body.user ?? `guest-${requests.length}`;
    return Promise.resolve({ token: `t${requests.length}`, user, role, expires_at: new Date(HOUR).toISOString() });
  };
  return { requests, make };
}

describe("the session", () => {
  test("is requested once, however many calls wait for it", async () => {
    const { requests, make } = mint();
    const session = new Session(fakeMemory(), make, () => 0);

    expect(await Promise.all([session.token("customer"), session.token("customer")])).toEqual(["t1", "t1"]);
    expect(requests).toEqual([{ role: "customer" }]);
  });

  test("is kept over a reload, apart for each role", async () => {
    const kept = fakeMemory();
    const { requests, make } = mint();
    await new Session(kept, make, () => 0).token("customer");

    const reloaded = new Session(kept, make, () => 0);

    expect(await reloaded.token("customer")).toBe("t1");
    expect(await reloaded.token("operator")).toBe("t2");
    expect(requests).toHaveLength(2);
  });

  test("gets a new token for the same user before the old one ends", async () => {
    const kept = fakeMemory();
    const { requests, make } = mint();
    await new Session(kept, make, () => 0).token("customer");

    expect(await new Session(kept, make, () => HOUR - 30_000).token("customer")).toBe("t2");
    expect(requests[1]).toEqual({ user: "guest-1", role: "customer" });
  });

  test("renews a refused token once, not for each call that it was refused to", async () => {
    const { requests, make } = mint();
    const session = new Session(fakeMemory(), make, () => 0);
    const stale = await session.token("customer");

    expect(await session.renew("customer", stale)).toBe("t2");
    expect(await session.renew("customer", stale)).toBe("t2");
    expect(requests).toHaveLength(2);
  });

  test("that is forgotten is followed by one for a new user", async () => {
    const { requests, make } = mint();
    const session = new Session(fakeMemory(), make, () => 0);
    await session.token("customer");

    session.forget("customer");
    await session.token("customer");

    expect(requests[1]).toEqual({ role: "customer" });
    expect(session.user("customer")).toBe("guest-2");
  });
});
