import type { Lang } from "../../locale/lang";

/** 19:25:03.123, in the reader's time zone. */
export function clock(at: string, lang: Lang): string {
  return new Intl.DateTimeFormat(lang, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(new Date(at));
}

/** "35 ms", "1.2 s", "3 min". Under a second in milliseconds, as most of a saga is. */
export function span(ms: number, lang: Lang): string {
  const [size, unit, digits] =
    Math.abs(ms) < 1000
      ? [ms, "millisecond", 0]
      : Math.abs(ms) < 90_000
        ? [ms / 1000, "second", 1]
        : [ms / 60_000, "minute", 0];
  return new Intl.NumberFormat(lang, {
    style: "unit",
    unit: unit as string,
    unitDisplay: "short",
    maximumFractionDigits: digits as number,
  }).format(size as number);
}

/** Time until `at`; null when it is over. In tenths of a second under ten seconds, so that it is seen to move. */
export function until(at: string, now: number, lang: Lang): string | null {
  const left = Date.parse(at) - now;
  if (left <= 0) return null;
  const digits = left < 10_000 ? 1 : 0;
  const [size, unit] = left < 90_000 ? [left / 1000, "second"] : [left / 60_000, "minute"];
  return new Intl.NumberFormat(lang, {
    style: "unit",
    unit,
    unitDisplay: "short",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(size);
}
