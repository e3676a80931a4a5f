/** Money and times as the reader writes them. */
import type { Money } from "../api/schema";
import type { Lang } from "./lang";

const LOCALES: Readonly<Record<Lang, string>> = { en: "en-GB", ru: "ru-RU" };

/** Minor units to "5 400 ₽" or "RUB 5,400": kopecks are shown only when there are some. */
export function money({ amount, currency }: Money, lang: Lang): string {
  const digits = new Intl.NumberFormat(LOCALES[lang], { style: "currency", currency }).resolvedOptions();
  const units = amount / 10 ** (digits.maximumFractionDigits ?? 2);
  return new Intl.NumberFormat(LOCALES[lang], {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: Number.isInteger(units) ? 0 : (digits.minimumFractionDigits ?? 2),
  }).format(units);
}

/** "09:35" where the airport is; in the reader's own time zone without one. */
export function time(at: string, lang: Lang, timeZone?: string): string {
  return new Intl.DateTimeFormat(LOCALES[lang], { hour: "2-digit", minute: "2-digit", timeZone }).format(new Date(at));
}

/** "Tue, 1 December". */
export function day(at: string, lang: Lang, timeZone?: string): string {
  return new Intl.DateTimeFormat(LOCALES[lang], { weekday: "short", day: "numeric", month: "long", timeZone }).format(
    new Date(at),
  );
}

export function moment(at: string, lang: Lang): string {
  return new Intl.DateTimeFormat(LOCALES[lang], { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** "1 h 25 min". */
export function duration(from: string, to: string, lang: Lang): string {
  const minutes = Math.round((Date.parse(to) - Date.parse(from)) / 60_000);
  const part = (value: number, unit: "hour" | "minute") =>
    new Intl.NumberFormat(LOCALES[lang], { style: "unit", unit, unitDisplay: "short" }).format(value);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours ? part(hours, "hour") : "", rest ? part(rest, "minute") : ""].filter(Boolean).join(" ");
}
