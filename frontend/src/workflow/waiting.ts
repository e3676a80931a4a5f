/** `waiting_for` for the reader: the scene that explains it, and the command for the action that operators can take. */
import type { WaitingFor } from "./flow";
import { eventName } from "./saga";
import type { Scene } from "./scene";

export function sceneOfWaiting(found: WaitingFor): Scene {
  switch (found.kind) {
    case "outbox_pending":
      return { id: "publish", event: eventName(found.event), attempts: found.attempts, error: found.error };
    case "outbox_parked":
      return { id: "parked", event: eventName(found.event), error: found.error ?? "" };
    case "awaiting_handler": {
      const { consumer, topic, partition, offset } = found;
      return {
        id: "awaited",
        event: eventName(found.event),
        consumer,
        place: topic === null ? "Kafka" : `${topic}[${partition}]@${offset}`,
      };
    }
    case "retrying": {
      const { consumer, attempts, error } = found;
      return { id: "retry", event: eventName(found.event), consumer, attempts, error };
    }
    case "dead_letter": {
      const { consumer, attempts, error } = found;
      return { id: "dead", event: found.event && eventName(found.event), consumer, attempts, error };
    }
    case "awaiting_gateway":
      return { id: "call", call: found.call, attempts: found.attempts, error: found.error };
    case "awaiting_event":
      return { id: "nothing" };
  }
}

/** The command for the action; null for customers, and where an operator can do nothing. */
export function commandFor(found: WaitingFor): string | null {
  switch (found.action) {
    case "check_status":
      return "ordersys status";
    case "audit":
      return "ordersys audit";
    case "unpark":
      return found.kind === "outbox_parked" ? `ordersys outbox unpark ${found.id}` : null;
    case "replay_dead_letter":
      return found.kind === "dead_letter" ? `ordersys dlq replay ${found.id}` : null;
    case null:
      return null;
  }
}
