import { useState } from "preact/hooks";
import { navigate } from "../router";

import { money } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { ErrorNotice } from "../parts/ErrorNotice";
import { startPurchase } from "./purchase";
import type { Flight } from "./search";
import { TEXTS } from "./texts";
import { useBuying } from "./useBuying";

const MOST_SEATS = 9;

interface Props {
  id: string;
  flight: Flight;
  refresh: () => void;
}

export function BuyPanel({ id, flight, refresh }: Props) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  const [chosen, setSeats] = useState(1);
  const [method, setMethod] = useState("pm_ok");
  const buying = useBuying((order) => navigate(`/orders/${order.id}`));
  const seats = Math.max(1, Math.min(chosen, flight.seats_left));
  const total = { amount: flight.price.amount * seats, currency: flight.price.currency };
  const pay = async (event: Event) => {
    event.preventDefault();
    const wanted = { flight_id: flight.id, seats, payment_method: method, expected_total: total };
    await buying.run(startPurchase(wanted, Date.now()));
    refresh();
  };
  return (
    <form id={id} class="buy" aria-label={texts.buyOn(flight.number)} onSubmit={pay}>
      <SeatSelect seats={seats} most={Math.min(MOST_SEATS, flight.seats_left)} choose={setSeats} />
      <Methods value={method} choose={setMethod} />
      <div class="buy-end">
        {/* The price, line by line, has its place here. */}
        <p class="buy-total">
          <span class="hint">
            {texts.total}: {seats} × {money(flight.price, lang)} =
          </span>{" "}
          <strong>{money(total, lang)}</strong>
        </p>
        <button type="submit" class="primary buy-pay" disabled={buying.busy}>
          {buying.busy ? texts.paying : texts.pay(money(total, lang))}
        </button>
        <p class="hint">{texts.keyHint}</p>
      </div>
      <div class="buy-status" aria-live="polite">
        {buying.waiting && <p class="notice calm">{texts.waiting}</p>}
        <ErrorNotice error={buying.error} />
      </div>
    </form>
  );
}

function SeatSelect({ seats, most, choose }: { seats: number; most: number; choose: (seats: number) => void }) {
  const texts = useTexts(TEXTS);
  const numbers = Array.from({ length: Math.max(1, most) }, (_, index) => index + 1);
  return (
    <label class="buy-seats">
      <span>{texts.seats}</span>
      <select value={seats} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {numbers.map((number) => (
          <option key={number} value={number}>
            {number}
          </option>
        ))}
      </select>
    </label>
  );
}

function Methods({ value, choose }: { value: string; choose: (method: string) => void }) {
  const texts = useTexts(TEXTS);
  return (
    <fieldset class="buy-methods">
      <legend>{texts.payment}</legend>
      {Object.entries(texts.methods).map(([method, { name, what }]) => (
        <label key={method} class="buy-method">
          <input type="radio" name="method" value={method} checked={value === method} onChange={() => choose(method)} />
          <span>
            {name} <code>{method}</code>
            <small class="hint">{what}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
