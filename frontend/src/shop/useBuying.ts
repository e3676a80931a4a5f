import { useEffect, useRef, useState } from "preact/hooks";

import { placeOrder } from "./calls";
import { buy, type Order, type Purchase } from "./purchase";

export interface Buying {
  busy: boolean;
  /** The API did not answer yet; the same purchase is being sent again. */
  waiting: boolean;
  error: unknown;
  run: (purchase: Purchase) => Promise<void>;
}

const timing = {
  pause: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
  now: () => Date.now(),
};

export function useBuying(bought: (order: Order) => void): Buying {
  const [busy, setBusy] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const here = useRef(true);
  useEffect(
    () => () => {
      here.current = false;
    },
    [],
  );
  const run = async (purchase: Purchase) => {
    setBusy(true);
    setError(null);
    try {
      const order = await buy(purchase, placeOrder, () => setWaiting(true), timing);
      // Who has gone elsewhere meanwhile is not dragged to the order; it is in "My orders".
      if (here.current) bought(order);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
      setWaiting(false);
    }
  };
  return { busy, waiting, error, run };
}
