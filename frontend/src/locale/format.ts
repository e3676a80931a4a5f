/** Money, dates and counts as the reader's locale writes them. */
import type { Money } from "../api/schema";
import type { Lang } from "./lang";

const LOCALE: Readonly<Record<Lang, string>> = { en: "en-GB", ru: "ru-RU" };
const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** Making a formatter is slow, using it is not. */
function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: () => T): T {
  const found = (made.get(key) as T | undefined) ?? make();
  made.set(key, found);
  return found;
}

export function money({ amount, currency }: Money, lang: Lang): string {
  const style = (digits: number) =>
    kept(
      `${lang} ${currency} ${digits}`,
      () =>
        new Intl.NumberFormat(LOCALE[lang], {
          style: "currency",
          currency,
          currencyDisplay: "narrowSymbol",
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
        }),
    );
  return style(amount % 100 === 0 ? 0 : 2).format(amount / 100);
}

function date(at: string | Date, lang: Lang, options: Intl.DateTimeFormatOptions): string {
  const key = `${lang} ${JSON.stringify(options)}`;
  return kept(key, () => new Intl.DateTimeFormat(LOCALE[lang], options)).format(new Date(at));
}

/** 08:35; in the given time zone, else the reader's. */
export function time(at: string, lang: Lang, timeZone?: string): string {
  return date(at, lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(timeZone ? { timeZone } : {}) });
}

/** Tue 1 December; in the given time zone, else the reader's. */
export function day(at: string, lang: Lang, timeZone?: string): string {
  return date(at, lang, { weekday: "short", day: "numeric", month: "long", ...(timeZone ? { timeZone } : {}) });
}

export function moment(at: string, lang: Lang): string {
  return date(at, lang, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** 1 h 35 min */
export function span(from: string, to: string, lang: Lang): string {
  const minutes = Math.round((Date.parse(to) - Date.parse(from)) / 60_000);
  const part = (value: number, unit: "hour" | "minute") =>
    kept(
      `${lang} ${unit}`,
      () => new Intl.NumberFormat(LOCALE[lang], { style: "unit", unit, unitDisplay: "short" }),
    ).format(value);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours > 0 ? part(hours, "hour") : "", rest > 0 || hours === 0 ? part(rest, "minute") : ""]
    .filter(Boolean)
    .join(" ");
}

/** [one, few, many]; English has its plural in both of the latter. */
export type Forms = readonly [string, string, string];

export function plural(count: number, lang: Lang, [one, few, many]: Forms): string {
  const rule = new Intl.PluralRules(lang).select(count);
  return `${count} ${rule === "one" ? one : rule === "few" ? few : many}`;
}
