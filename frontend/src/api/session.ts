/** Who the visitor is: a demo customer and, once the control room is opened, a demo operator. Kept over a reload. */
import { memory, type Memory } from "../parts/memory";
import { BASE } from "./client";
import { errorOf, unreachable } from "./problem";
import type { DemoBody, DemoToken } from "./schema";

export type Role = "customer" | "operator";

export interface Tokens {
  token: (role: Role) => Promise<string>;
  /** A new one for the same user, unless that has happened since `stale` was used. */
  renew: (role: Role, stale: string) => Promise<string>;
}

const EARLY_MS = 60_000;
const nameOf = (role: Role) => `token.${role}`;

export class Session implements Tokens {
  private readonly under = new Map<Role, Promise<DemoToken>>();

  constructor(
    private readonly kept: Memory = memory,
    private readonly mint: (body: DemoBody) => Promise<DemoToken> = minted,
    private readonly now: () => number = Date.now,
  ) {}

  /** The user's name, if there is one by now. */
  user(role: Role): string | null {
    return this.known(role)?.user ?? null;
  }

  async token(role: Role): Promise<string> {
    const known = this.known(role);
    if (known && Date.parse(known.expires_at) - this.now() > EARLY_MS) return known.token;
    return (await this.fresh(role)).token;
  }

  async renew(role: Role, stale: string): Promise<string> {
    const known = this.known(role);
    if (known && known.token !== stale) return known.token;
    return (await this.fresh(role)).token;
  }

  /** One request, however many ask for it at the same time. */
  private fresh(role: Role): Promise<DemoToken> {
    let under = this.under.get(role);
    if (!under) {
      const user = this.user(role);
      under = this.mint(user ? { user, role } : { role })
        .then((made) => {
          this.kept.write(nameOf(role), made);
          return made;
        })
        .finally(() => this.under.delete(role));
      this.under.set(role, under);
    }
    return under;
  }

  /** Forgets the token and its user, so that the next token is for a new one. */
  forget(role: Role): void {
    this.kept.remove(nameOf(role));
  }

  private known(role: Role): DemoToken | null {
    return this.kept.read<DemoToken>(nameOf(role));
  }
}

async function minted(body: DemoBody): Promise<DemoToken> {
  let response: Response;
  try {
    response = await fetch(`${BASE}/auth/demo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw unreachable();
  }
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as DemoToken;
}
