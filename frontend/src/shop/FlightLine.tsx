import { day, span, time } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { cityName, zoneOf } from "./cities";
import type { Flight } from "./search";
import { TEXTS } from "./texts";

/** When and where a flight leaves and lands, as on a departure board. */
export function FlightTimes({ flight }: { flight: Flight }) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  return (
    <div class="flight-times">
      <End code={flight.from} at={flight.departs_at} />
      <span class="flight-way">
        <span class="visually-hidden">{texts.duration}</span> {span(flight.departs_at, flight.arrives_at, lang)}
        <span class="visually-hidden">, {texts.arrives}</span>
      </span>
      <End code={flight.to} at={flight.arrives_at} />
    </div>
  );
}

function End({ code, at }: { code: string; at: string }) {
  const lang = useLang();
  return (
    <span class="flight-end">
      <time class="flight-time" dateTime={at}>
        {time(at, lang, zoneOf(code))}
      </time>
      <span class="hint">
        {cityName(code, lang)} <abbr>{code}</abbr>
      </span>
    </span>
  );
}

/** "Moscow → Sochi, Tue 1 December, 08:35" */
export function useFlightName(): (flight: Flight) => string {
  const lang = useLang();
  return ({ from, to, departs_at }) =>
    `${cityName(from, lang)} → ${cityName(to, lang)}, ${day(departs_at, lang, zoneOf(from))}, ${time(departs_at, lang, zoneOf(from))}`;
}
