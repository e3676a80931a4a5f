import { useEffect, useState } from "preact/hooks";
import { navigate, useRoute } from "../router";

import { day as dayText, plural } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { ViewHeader } from "../layout/ViewHeader";
import { usePolled } from "../parts/polled";
import { ErrorNotice } from "../parts/ErrorNotice";
import { searchFlights } from "./calls";
import { cityName, zoneOf } from "./cities";
import { FlightRow } from "./FlightRow";
import { SearchForm } from "./SearchForm";
import { addDays, asQuery, firstDay, flightsOf, localDay, readSearch, type Search } from "./search";
import { TEXTS } from "./texts";
import { InterruptedPurchases } from "./InterruptedPurchases";

/** Seats are seen to go. */
const LOOK_MS = 4000;

export function SearchView() {
  const texts = useTexts(TEXTS);
  const { query } = useRoute();
  const search = readSearch(query);
  return (
    <section>
      <ViewHeader title={texts.where}>
        <p class="hint">{texts.intro}</p>
      </ViewHeader>
      <InterruptedPurchases />
      <SearchForm search={search} change={(next) => navigate(asQuery(next), { replace: true })} />
      {search.day ? <Results search={search} /> : <FirstDay search={search} start={null} />}
    </section>
  );
}

function Results({ search }: { search: Search }) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  const [opened, setOpened] = useState<string | null>(null);
  const key = `${search.from} ${search.to} ${search.day}`;
  const { value, error, refresh } = usePolled(key, () => flightsOf(search, searchFlights, Date.now()), LOOK_MS);
  const when = dayText(search.day, lang, "UTC");
  return (
    <>
      <h2 class="search-heading" aria-live="polite">
        {cityName(search.from, lang)} → {cityName(search.to, lang)}, {when}
        {value && <span class="hint">: {plural(value.length, lang, texts.foundForms)}</span>}
      </h2>
      <ErrorNotice error={error} retry={refresh} />
      {value === null && error === null && <Skeleton />}
      {value?.length === 0 && <Nothing search={search} />}
      <ul class="flights">
        {value?.map((flight) => (
          <FlightRow
            key={flight.id}
            flight={flight}
            isOpen={opened === flight.id}
            toggle={() => setOpened(opened === flight.id ? null : flight.id)}
            refresh={refresh}
          />
        ))}
      </ul>
      {value !== null && value.length > 0 && <p class="hint">{texts.local}</p>}
    </>
  );
}

function Nothing({ search }: { search: Search }) {
  const texts = useTexts(TEXTS);
  const [looking, setLooking] = useState(false);
  if (looking) return <FirstDay search={search} start={addDays(search.day, 1)} />;
  return (
    <div class="card">
      <p>{texts.none}</p>
      <button type="button" onClick={() => setLooking(true)}>
        {texts.nextWith}
      </button>
    </div>
  );
}

/** Looks for the first day with flights and goes there. */
function FirstDay({ search, start }: { search: Search; start: string | null }) {
  const texts = useTexts(TEXTS);
  const first = start ?? localDay(Date.now(), zoneOf(search.from));
  const key = `first ${search.from} ${search.to} ${first}`;
  const { value, error, refresh } = usePolled(
    key,
    async () => ({ day: await firstDay(search, first, searchFlights, Date.now()) }),
    null,
  );
  const found = value?.day;
  useEffect(() => {
    if (found) navigate(asQuery({ from: search.from, to: search.to, day: found }), { replace: true });
  }, [found, search.from, search.to]);
  if (error !== null) return <ErrorNotice error={error} retry={refresh} />;
  if (value?.day === null) return <p class="card">{texts.noneSoon}</p>;
  return (
    <>
      <h2 class="search-heading">{texts.looking}</h2>
      <Skeleton />
    </>
  );
}

function Skeleton() {
  return (
    <div class="flights" aria-hidden="true">
      <div class="flight skeleton" />
      <div class="flight skeleton" />
      <div class="flight skeleton" />
    </div>
  );
}
