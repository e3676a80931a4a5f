/** The choreography as the page knows it. A Python test holds saga.json against entrypoint/consumers/subscriptions.py. */
import table from "./saga.json";

export type Consumer = "payment-service" | "ticket-service" | "order-service";
export type Stream = "orders" | "payments" | "tickets";
/** Forward: towards COMPLETED. Back: what undoes it (compensation). */
export type Way = "forward" | "back";
export type EventName = keyof typeof table;

export interface SagaRow {
  stream: Stream;
  producer: Consumer;
  way: Way;
  consumers: readonly Consumer[];
}

export const SAGA = table as Record<EventName, SagaRow>;
export const CONSUMERS: readonly Consumer[] = ["payment-service", "ticket-service", "order-service"];
export const STREAMS: readonly Stream[] = ["orders", "payments", "tickets"];

/** ordersys.OrderCreated.v1 -> OrderCreated; as it is, when it has another shape. */
export function eventName(type: string): string {
  return type.replace(/^ordersys\./, "").split(".")[0] ?? type;
}

export function sagaRow(name: string): SagaRow | undefined {
  return Object.hasOwn(SAGA, name) ? SAGA[name as EventName] : undefined;
}
