import { describe, expect, it } from "vitest";

import { addDays, asQuery, type Flight, firstDay, flightsOf, localDay, readSearch, utcDays } from "./search";

const NOW = Date.parse("2026-12-01T09:00:00Z");

function flight(departs_at: string, seats_left = 9, from = "SVO"): Flight {
  const price = { amount: 540_000, currency: "RUB" };
  return {
    id: departs_at,
    airline: "SU",
    number: "SU 10",
    from,
    to: "LED",
    departs_at,
    arrives_at: departs_at,
    price,
    seats_left,
  };
}

/** Answers as the API does: by the day in UTC. */
const timetable = (flights: readonly Flight[]) => async (_from: string, _to: string, day: string) =>
  flights.filter((one) => one.departs_at.startsWith(day));

describe("a search", () => {
  it("has two cities to startPurchase with, and no day yet", () => {
    expect(readSearch(new URLSearchParams())).toEqual({ from: "SVO", to: "LED", day: "" });
  });

  it("is what the address says, as far as that makes sense", () => {
    expect(readSearch(new URLSearchParams("from=IST&to=XXX&date=soon"))).toEqual({ from: "IST", to: "LED", day: "" });
    expect(readSearch(new URLSearchParams("date=2026-13-45")).day).toBe("");
  });

  it("goes from one city to another", () => {
    expect(readSearch(new URLSearchParams("from=LED"))).toMatchObject({ from: "LED", to: "SVO" });
    expect(readSearch(new URLSearchParams("from=IST&to=IST"))).toMatchObject({ from: "IST", to: "LED" });
  });

  it("comes back from its own address", () => {
    const search = { from: "VVO", to: "SVO", day: "2026-12-05" };

    expect(readSearch(new URL(asQuery(search), "http://x").searchParams)).toEqual(search);
  });
});

describe("days", () => {
  it("go over the ends of months and years", () => {
    expect([addDays("2026-12-31", 1), addDays("2026-03-01", -1)]).toEqual(["2027-01-01", "2026-02-28"]);
  });

  it("are those of the city", () => {
    expect(localDay(Date.parse("2026-12-01T20:00:00Z"), "Asia/Vladivostok")).toBe("2026-12-02");
  });

  it("touch two days in UTC, or one", () => {
    expect(utcDays("2026-12-02", "Asia/Vladivostok")).toEqual(["2026-12-01", "2026-12-02"]);
    expect(utcDays("2026-12-02", "America/New_York")).toEqual(["2026-12-02", "2026-12-03"]);
    expect(utcDays("2026-12-02", "UTC")).toEqual(["2026-12-02"]);
  });
});

describe("the flights of a day", () => {
  it("are those that leave on it by the city's clock, the earliest first", async () => {
    const flights = ["2026-12-02T06:00:00Z", "2026-12-01T20:59:00Z", "2026-12-01T21:00:00Z", "2026-12-02T21:00:00Z"];
    const search = { from: "SVO", to: "LED", day: "2026-12-02" };

    const found = await flightsOf(search, timetable(flights.map((at) => flight(at))), NOW);

    expect(found.map((one) => one.id)).toEqual(["2026-12-01T21:00:00Z", "2026-12-02T06:00:00Z"]);
  });

  it("have not left", async () => {
    const flights = [flight("2026-12-01T08:59:00Z"), flight("2026-12-01T09:01:00Z")];

    const found = await flightsOf({ from: "SVO", to: "LED", day: "2026-12-01" }, timetable(flights), NOW);

    expect(found.map((one) => one.id)).toEqual(["2026-12-01T09:01:00Z"]);
  });
});

describe("the first day with flights", () => {
  const search = { from: "SVO", to: "LED", day: "" };

  it("passes over days that have none, or none with a seat", async () => {
    const flights = [flight("2026-12-02T06:00:00Z", 0), flight("2026-12-04T06:00:00Z", 1)];

    expect(await firstDay(search, "2026-12-01", timetable(flights), NOW)).toBe("2026-12-04");
  });

  it("is not looked for without end", async () => {
    expect(await firstDay(search, "2026-12-01", timetable([flight("2027-06-01T06:00:00Z")]), NOW)).toBeNull();
  });
});
