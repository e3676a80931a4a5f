import { useLang, useTexts } from "../locale/lang";
import { CITIES, cityName, zoneOf } from "./cities";
import { addDays, localDay, type Search } from "./search";
import { TEXTS } from "./texts";

interface Props {
  search: Search;
  change: (search: Search) => void;
}

export function SearchForm({ search, change }: Props) {
  const texts = useTexts(TEXTS);
  const today = localDay(Date.now(), zoneOf(search.from));
  const { day } = search;
  return (
    <form class="search card" onSubmit={(event) => event.preventDefault()}>
      <CitySelect
        label={texts.from}
        value={search.from}
        choose={(from) => change(from === search.to ? swapped(search) : { ...search, from })}
      />
      <button
        class="search-swap"
        type="button"
        aria-label={texts.swap}
        title={texts.swap}
        onClick={() => change(swapped(search))}
      >
        ⇄
      </button>
      <CitySelect
        label={texts.to}
        value={search.to}
        choose={(to) => change(to === search.from ? swapped(search) : { ...search, to })}
      />
      <div class="search-day">
        <label for="search-date">{texts.date}</label>
        <div class="search-days">
          <button
            type="button"
            aria-label={texts.dayBefore}
            disabled={!day || day <= today}
            onClick={() => change({ ...search, day: addDays(day, -1) })}
          >
            ‹
          </button>
          <input
            id="search-date"
            type="date"
            value={day}
            min={today}
            onChange={({ currentTarget: { value } }) => value && change({ ...search, day: value })}
          />
          <button
            type="button"
            aria-label={texts.dayAfter}
            disabled={!day}
            onClick={() => change({ ...search, day: addDays(day, 1) })}
          >
            ›
          </button>
        </div>
      </div>
    </form>
  );
}

function swapped({ from, to, day }: Search): Search {
  return { from: to, to: from, day };
}

function CitySelect({ label, value, choose }: { label: string; value: string; choose: (code: string) => void }) {
  const lang = useLang();
  const sorted = [...CITIES].sort((one, other) => one[lang].localeCompare(other[lang], lang));
  return (
    <label class="search-city">
      <span>{label}</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {sorted.map(({ code }) => (
          <option key={code} value={code}>
            {cityName(code, lang)} ({code})
          </option>
        ))}
      </select>
    </label>
  );
}
