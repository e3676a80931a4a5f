/** Which flights a search means. The API's days are UTC; the reader's are those of the city of departure. */
import type { Flight } from "../api/schema";
import { CITIES, zoneOf } from "./cities";

export type { Flight };

export interface Search {
  from: string;
  to: string;
  /** 2026-12-01, in the city of departure; "" for the first day with flights. */
  day: string;
}

/** How far ahead a first day with flights is looked for. */
export const DAYS_AHEAD = 14;
const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function readSearch(query: URLSearchParams): Search {
  const known = (code: string | null) => (CITIES.some((city) => city.code === code) ? code : null);
  const from = known(query.get("from")) ?? "SVO";
  const to = known(query.get("to")) ?? "LED";
  const day = query.get("date") ?? "";
  return {
    from,
    to: from !== to ? to : from === "LED" ? "SVO" : "LED",
    day: DAY.test(day) && !Number.isNaN(Date.parse(day)) ? day : "",
  };
}

export function asQuery({ from, to, day }: Search): string {
  return `/?${new URLSearchParams({ from, to, ...(day ? { date: day } : {}) })}`;
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The calendar day of a moment in a time zone. */
export function localDay(at: number, zone: string): string {
  // Sweden writes its dates as ISO 8601 does.
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(at);
}

/** The days in UTC that a day in the zone has a part of: one or two. */
export function utcDays(day: string, zone: string): string[] {
  return [-1, 0, 1]
    .map((days) => addDays(day, days))
    .filter((utc) => {
      const starts = Date.parse(utc);
      return localDay(starts, zone) <= day && localDay(starts + DAY_MS - 1, zone) >= day;
    });
}

/** The flights of that day which have not left, the earliest first. */
export function onDay(flights: readonly Flight[], day: string, now: number): Flight[] {
  return flights
    .filter((one) => localDay(Date.parse(one.departs_at), zoneOf(one.from)) === day && Date.parse(one.departs_at) > now)
    .sort((one, other) => one.departs_at.localeCompare(other.departs_at));
}

export type FindFlights = (from: string, to: string, utcDay: string) => Promise<readonly Flight[]>;

export async function flightsOf(search: Search, ask: FindFlights, now: number): Promise<Flight[]> {
  const days = utcDays(search.day, zoneOf(search.from));
  const found = await Promise.all(days.map((day) => ask(search.from, search.to, day)));
  return onDay(found.flat(), search.day, now);
}

/** The first day from `start` on that has a flight with a seat; null when none comes soon. */
export async function firstDay(search: Search, start: string, ask: FindFlights, now: number): Promise<string | null> {
  for (let days = 0; days <= DAYS_AHEAD; days += 1) {
    const day = addDays(start, days);
    const found = await flightsOf({ ...search, day }, ask, now);
    if (found.some((flight) => flight.seats_left > 0)) return day;
  }
  return null;
}
