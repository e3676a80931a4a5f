/** The API calls of the control room; all are made as an operator. */
import type { Client } from "../api/client";
import type {
  Chaos,
  Forecast,
  Lag,
  DeadLetterContent,
  DeadLetterPage,
  DeadLetterStatus,
  LoadState,
  Verdict,
} from "../api/schema";

export interface ControlApi {
  lag(): Promise<Lag>;
  chaos(): Promise<Chaos>;
  /** null restores the configured rate. */
  setChaos(rates: Readonly<Record<string, number | null>>): Promise<Chaos>;
  load(): Promise<LoadState>;
  startLoad(rate: number, seconds: number): Promise<LoadState>;
  stopLoad(): Promise<LoadState>;
  deadLetters(status: DeadLetterStatus | null, cursor: string | null): Promise<DeadLetterPage>;
  deadLetter(id: string): Promise<DeadLetterContent>;
  plan(id: string): Promise<Forecast>;
  replay(id: string): Promise<DeadLetterContent>;
  discard(id: string): Promise<DeadLetterContent>;
  audit(): Promise<Verdict>;
}

const PAGE = 10;

export function controlApi(client: Client): ControlApi {
  const of = (dead_letter_id: string) => ({ path: { dead_letter_id } });
  return {
    lag: () => client.call("getLag", {}),
    chaos: () => client.call("showChaos", {}),
    setChaos: (rates) => client.call("changeChaos", { body: { rates } }),
    load: () => client.call("showLoad", {}),
    startLoad: (rate, seconds) => client.call("startLoad", { body: { rate, seconds } }),
    stopLoad: () => client.call("stopLoad", {}),
    deadLetters: (status, cursor) =>
      client.call("listDeadLetters", { query: { status, limit: PAGE, ...(cursor ? { cursor } : {}) } }),
    deadLetter: (id) => client.call("getDeadLetter", of(id)),
    plan: (id) => client.call("planDeadLetter", of(id)),
    replay: (id) => client.call("replayDeadLetter", of(id)),
    discard: (id) => client.call("discardDeadLetter", of(id)),
    audit: () => client.call("getAudit", {}),
  };
}
