/** The cities of the timetable. A Python test holds cities.json against the catalog's own. */
import type { Lang } from "../locale/lang";
import list from "./cities.json";

export type City = (typeof list)[number];
export const CITIES: readonly City[] = list;
const BY_CODE = new Map(CITIES.map((city) => [city.code, city]));

export function cityName(code: string, lang: Lang): string {
  return BY_CODE.get(code)?.[lang] ?? code;
}

/** The airport's time zone: departures are shown in local time. */
export function zoneOf(code: string): string {
  return BY_CODE.get(code)?.zone ?? "UTC";
}
