/** The situation of an order, now or at one moment of it. words/ has the sentences. */
import type { Workflow } from "./flow";
import { DEADLINE } from "./graph";
import type { Moment } from "./moments";
import type { Call } from "./payments";
import { sceneOfWaiting } from "./waiting";

/** Why an order ended without tickets. */
export type Ending = "declined" | "rejected" | "customer" | "deadline" | "voided";

export type Scene =
  | { id: "written"; event: string; reason: string | null }
  | { id: "published"; event: string; attempts: number; topic: string; partition: number; offset: number }
  | { id: "handled"; event: string; consumer: string; attempts: number; moved: boolean }
  | { id: "dead"; event: string | null; consumer: string; attempts: number; error: string }
  | { id: "publish"; event: string; attempts: number; error: string | null }
  | { id: "parked"; event: string; error: string }
  | { id: "awaited"; event: string; consumer: string; place: string }
  | { id: "retry"; event: string; consumer: string; attempts: number; error: string }
  | { id: "call"; call: Call; attempts: number; error: string | null }
  | { id: "nothing" }
  | { id: "completed"; captured: boolean }
  | { id: "cancelled"; ending: Ending; reason: string }
  | { id: "refunded" };

export function sceneNow(flow: Workflow): Scene {
  if (flow.waiting_for !== null) return sceneOfWaiting(flow.waiting_for);
  const { status, reason } = flow.order;
  if (status === "CANCELLED") return { id: "cancelled", ending: ending(reason), reason: reasonDetail(reason) };
  if (status === "REFUNDED") return { id: "refunded" };
  return { id: "completed", captured: flow.payment?.status === "CAPTURED" };
}

export function sceneOf(moment: Moment): Scene {
  const { event } = moment;
  switch (moment.kind) {
    case "written":
      return { id: "written", event, reason: moment.moves.at(-1)?.reason ?? null };
    case "published": {
      const { attempts, topic, partition, offset } = moment.row;
      return { id: "published", event, attempts, topic: topic ?? "", partition: partition ?? 0, offset: offset ?? 0 };
    }
    case "handled":
      return {
        id: "handled",
        event,
        consumer: moment.consumer,
        attempts: moment.delivery.attempts,
        moved: moment.moves.length > 0,
      };
    case "dead": {
      const { attempts, error } = moment.delivery;
      return { id: "dead", event, consumer: moment.consumer, attempts, error: error ?? "" };
    }
  }
}

/** "payment_declined: card_declined" -> declined. Every other reason is the customer's own. */
export function ending(reason: string | null): Ending {
  const own = (reason ?? "").split(":")[0] ?? "";
  if (own === DEADLINE) return "deadline";
  const known: Readonly<Record<string, Ending>> = {
    payment_declined: "declined",
    tickets_rejected: "rejected",
    payment_voided: "voided",
  };
  return known[own] ?? "customer";
}

function reasonDetail(reason: string | null): string {
  const [, detail] = /^\w+: (.*)$/s.exec(reason ?? "") ?? [];
  return detail ?? reason ?? "";
}
