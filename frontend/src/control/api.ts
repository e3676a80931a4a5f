/** What the control room asks of the API, all of it as an operator. */
import type { Content, Forecast, Letter } from "./letters";
import type { Lag } from "./rates";
import type { Verdict } from "./verdict";

export interface PointState {
  point: string;
  configured: number;
  effective: number;
  set_by: string | null;
  set_at: string | null;
  strikes: number;
}

export interface Chaos {
  allowed: boolean;
  points: readonly PointState[];
}

export interface Load {
  running: boolean;
  rate: number | null;
  seconds: number | null;
  started_at: string | null;
  ends_at: string | null;
  accepted: number;
  failed: number;
  error: string | null;
}

export interface LetterPage {
  items: readonly Letter[];
  next_cursor: string | null;
}

export interface ControlApi {
  lag(): Promise<Lag>;
  chaos(): Promise<Chaos>;
  /** null brings the configured rate back. */
  setChaos(rates: Readonly<Record<string, number | null>>): Promise<Chaos>;
  load(): Promise<Load>;
  startLoad(rate: number, seconds: number): Promise<Load>;
  stopLoad(): Promise<Load>;
  letters(status: string | null, cursor: string | null): Promise<LetterPage>;
  letter(id: string): Promise<Content>;
  plan(id: string): Promise<Forecast>;
  replay(id: string): Promise<Content>;
  discard(id: string): Promise<Content>;
  audit(): Promise<Verdict>;
}
