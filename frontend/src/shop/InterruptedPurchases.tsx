import { useState } from "preact/hooks";
import { navigate } from "../router";

import { money, plural } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { ErrorNotice } from "../parts/ErrorNotice";
import { useFlightName } from "./FlightLine";
import { type Purchase, finishPurchase, interruptedPurchases } from "./purchase";
import { TEXTS } from "./texts";
import { useBuying } from "./useBuying";
import { useFlights } from "./useFlights";

/** Purchases that a reload or a closed tab cut off before their answer came. */
export function InterruptedPurchases() {
  // Those of before: one that begins now has its own place.
  const [purchases, setPurchases] = useState(() => interruptedPurchases(Date.now()));
  const gone = (key: string) => setPurchases((before) => before.filter((one) => one.key !== key));
  return (
    <>
      {purchases.map((one) => (
        <InterruptedPurchase key={one.key} purchase={one} gone={() => gone(one.key)} />
      ))}
    </>
  );
}

function InterruptedPurchase({ purchase, gone }: { purchase: Purchase; gone: () => void }) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  const name = useFlightName();
  const { flight_id, seats, expected_total } = purchase.wanted;
  const flight = useFlights([flight_id]).get(flight_id);
  const buying = useBuying((order) => navigate(`/orders/${order.id}`));
  const forget = () => {
    finishPurchase(purchase.key, Date.now());
    gone();
  };
  return (
    <section class="notice calm" aria-label={texts.interrupted}>
      <p>
        <strong>{texts.interrupted}</strong>: {flight ? name(flight) : "…"}, {plural(seats, lang, texts.seatForms)},{" "}
        {money(expected_total, lang)}. {texts.interruptedWhat}
      </p>
      {buying.waiting && <p>{texts.waiting}</p>}
      <ErrorNotice error={buying.error} />
      <p class="row">
        <button type="button" class="primary" disabled={buying.busy} onClick={() => buying.run(purchase)}>
          {buying.busy ? texts.paying : texts.finish}
        </button>
        <button type="button" disabled={buying.busy} onClick={forget}>
          {texts.dismiss}
        </button>
      </p>
    </section>
  );
}
