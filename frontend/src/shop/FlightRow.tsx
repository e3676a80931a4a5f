import { money, plural } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { BuyPanel } from "./BuyPanel";
import { FlightTimes } from "./FlightLine";
import type { Flight } from "./search";
import { TEXTS } from "./texts";

interface Props {
  flight: Flight;
  isOpen: boolean;
  toggle: () => void;
  refresh: () => void;
}

export function FlightRow({ flight, isOpen, toggle, refresh }: Props) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  const panel = `buy-${flight.id}`;
  const none = flight.seats_left === 0;
  return (
    <li class="flight card">
      <div class="flight-facts">
        <span class="flight-number">{flight.number}</span>
        <FlightTimes flight={flight} />
        <span class={flight.seats_left < 10 ? "flight-seats few" : "flight-seats"}>
          {none ? texts.soldOut : texts.seatsLeft(plural(flight.seats_left, lang, texts.seatForms))}
        </span>
        <span class="flight-price">
          <strong>{money(flight.price, lang)}</strong> <span class="hint">{texts.perSeat}</span>
        </span>
        <button
          type="button"
          class={isOpen ? "" : "primary"}
          disabled={none && !isOpen}
          aria-expanded={isOpen}
          aria-controls={isOpen ? panel : undefined}
          aria-label={isOpen ? texts.close : texts.buyOn(flight.number)}
          onClick={toggle}
        >
          {isOpen ? texts.close : texts.buy}
        </button>
      </div>
      {isOpen && <BuyPanel id={panel} flight={flight} refresh={refresh} />}
    </li>
  );
}
