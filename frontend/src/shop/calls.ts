/** What the shop asks of the API. */
import { client } from "../api";
import type { Role } from "../api/session";
import type { OrderPage } from "../api/schema";
import type { Order, Purchase } from "./purchase";
import type { Flight } from "./search";

export async function searchFlights(from: string, to: string, date: string): Promise<readonly Flight[]> {
  return (await client.call("searchFlights", { query: { from, to, date } })).items;
}

export function getFlight(id: string): Promise<Flight> {
  return client.call("getFlight", { path: { flight_id: id } });
}

export function placeOrder({ key, wanted }: Purchase): Promise<Order> {
  const { flight_id, seats, payment_method, expected_total } = wanted;
  return client.call("placeOrder", {
    header: { "Idempotency-Key": key },
    body: { items: [{ flight_id, seats }], payment_method, expected_total },
  });
}

export function listOrders(cursor: string | null, signal?: AbortSignal): Promise<OrderPage> {
  return client.call("listOrders", { query: cursor === null ? {} : { cursor } }, { signal });
}

export function cancelOrder(id: string, reason: string, as: Role): Promise<Order> {
  return client.call("cancelOrder", { path: { order_id: id }, body: { reason } }, { as });
}

export function refundOrder(id: string, reason: string, as: Role): Promise<Order> {
  return client.call("refundOrder", { path: { order_id: id }, body: { reason } }, { as });
}
