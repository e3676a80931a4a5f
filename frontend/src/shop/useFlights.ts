import { useEffect, useState } from "preact/hooks";

import { getFlight } from "./calls";
import type { Flight } from "./search";

/** Where and when a flight goes does not change; its seats do, and are not read from here. */
const known = new Map<string, Promise<Flight>>();

function once(id: string): Promise<Flight> {
  const found = known.get(id) ?? getFlight(id);
  known.set(id, found);
  found.catch(() => known.delete(id));
  return found;
}

/** The flights of these ids, as far as they are known by now. */
export function useFlights(ids: readonly string[]): ReadonlyMap<string, Flight> {
  const [flights, setFlights] = useState<ReadonlyMap<string, Flight>>(new Map());
  const key = [...new Set(ids)].sort().join(" ");
  useEffect(() => {
    let gone = false;
    for (const id of key.split(" ").filter(Boolean)) {
      once(id).then(
        (flight) => {
          if (!gone) setFlights((before) => new Map(before).set(id, flight));
        },
        () => undefined,
      );
    }
    return () => {
      gone = true;
    };
  }, [key]);
  return flights;
}
