import { describe, expect, test } from "vitest";

import { day, money, plural, span, time } from "./format";
import { preferred } from "./lang";

/** Blanks that do not break are blanks. */
const plain = (text: string) => text.replace(/\s/g, " ");

describe("the language", () => {
  test.each([
    [null, ["ru-RU", "en"], "ru"],
    [null, ["de", "ru", "en"], "ru"],
    [null, ["de-DE"], "en"],
    ["en", ["ru"], "en"],
    ["xx", ["ru"], "ru"],
    [null, [], "en"],
  ] as const)("remembered %s, wanted %s: %s", (remembered, wanted, expected) => {
    expect(preferred(remembered, wanted)).toBe(expected);
  });
});

describe("what is written as the locale writes it", () => {
  test("money in minor units, with kopecks only when there are some", () => {
    expect(plain(money({ amount: 1_080_000, currency: "RUB" }, "ru"))).toBe("10 800 ₽");
    expect(plain(money({ amount: 540_050, currency: "RUB" }, "en"))).toBe("₽5,400.50");
  });

  test("days and times of the city, not of the reader", () => {
    const at = "2026-12-01T20:30:00Z";
    expect([time(at, "en", "Asia/Vladivostok"), day(at, "en", "Asia/Vladivostok")]).toEqual([
      "06:30",
      "Wed 2 December",
    ]);
    expect(plain(day(at, "ru", "UTC"))).toBe("вт, 1 декабря");
  });

  test("how long a flight takes", () => {
    const from = "2026-12-01T20:00:00Z";
    expect(plain(span(from, "2026-12-01T21:25:00Z", "en"))).toBe("1 hr 25 mins");
    expect(plain(span(from, "2026-12-01T22:00:00Z", "ru"))).toBe("2 ч");
    expect(plain(span(from, "2026-12-01T20:40:00Z", "en"))).toBe("40 mins");
  });

  test.each([
    [1, "1 место"],
    [3, "3 места"],
    [11, "11 мест"],
    [21, "21 место"],
  ])("%i is %s", (count, said) => {
    expect(plural(count, "ru", ["место", "места", "мест"])).toBe(said);
  });
});
