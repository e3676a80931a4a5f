import { useEffect, useState } from "preact/hooks";

import { usePolled } from "../parts/polled";
import type { ControlApi } from "./api";
import { addSample, type Lag, lagOf, type Metric, METRICS, series } from "./rates";
import { curve } from "./spark";
import type { Words } from "./words/en";

const WIDTH = 240;
const HEIGHT = 56;

/** Live figures of the whole system. */
export function Rates({ api, words }: { api: ControlApi; words: Words }) {
  const { value, error } = usePolled("lag", () => api.lag(), 1000);
  const [samples, setSamples] = useState<readonly Lag[]>([]);
  useEffect(() => {
    if (value) setSamples((before) => addSample(before, value));
  }, [value]);
  return (
    <section class="control-card control-rates" aria-labelledby="rates-title">
      <h2 id="rates-title">{words.rates.title}</h2>
      {/* One line for both, so that nothing jumps when the API restarts. */}
      <p class={error === null ? "hint" : "control-warning"} role="status">
        {error === null ? words.rates.hint : words.rates.lost}
      </p>
      <div class="control-charts">
        {METRICS.map((metric) => (
          <Chart key={metric} metric={metric} samples={samples} words={words} />
        ))}
      </div>
      {value && <Notes lag={value} words={words} />}
    </section>
  );
}

function Chart({ metric, samples, words }: { metric: Metric; samples: readonly Lag[]; words: Words }) {
  const points = series(samples, metric);
  const { line, area, top } = curve(points, WIDTH, HEIGHT);
  const last = points.at(-1)?.value ?? null;
  const { title, unit } = words.metrics[metric];
  const number = new Intl.NumberFormat(words.locale, { maximumFractionDigits: last !== null && last < 10 ? 1 : 0 });
  return (
    <figure class="control-chart" data-metric={metric}>
      <figcaption>
        {title}
        <strong>{last === null ? "…" : number.format(last)}</strong>
        <small>{last === null ? words.rates.unknown : unit}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="area" d={area} />
        <path class="line" d={line} vector-effect="non-scaling-stroke" />
      </svg>
      <small class="scale">{words.rates.scale(number.format(top))}</small>
    </figure>
  );
}

function Notes({ lag, words }: { lag: Lag; words: Words }) {
  const { rates, locale } = words;
  const number = new Intl.NumberFormat(locale);
  return (
    <div class="control-notes">
      <dl aria-label={rates.byConsumer}>
        {lagOf(lag).map(({ consumer, lag: behind }) => (
          <div key={consumer}>
            <dt>{consumer}</dt>
            <dd>{number.format(behind)}</dd>
          </div>
        ))}
      </dl>
      {lag.totals.finished !== null && <p>{rates.totals(number.format(lag.totals.finished))}</p>}
      {lag.outbox.parked > 0 && <p class="control-warning">{rates.parked(lag.outbox.parked)}</p>}
      {lag.unknown.length > 0 && <p class="control-warning">{rates.unknownServers(lag.unknown.join(", "))}</p>}
    </div>
  );
}
