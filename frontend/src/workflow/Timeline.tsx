import type { Bar } from "./bars";
import type { Moment } from "./moments";
import { sceneOf } from "./scene";
import { clock, span } from "./words/format";
import type { Words } from "./words/en";

interface Props {
  moments: readonly Moment[];
  bars: readonly Bar[];
  words: Words;
  /** The chosen moment; null: now. */
  step: number | null;
  choose: (step: number) => void;
}

export function Timeline({ moments, bars, words, step, choose }: Props) {
  const { ui } = words;
  const start = moments[0] ? Date.parse(moments[0].at) : 0;
  return (
    <section class="saga-timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title">{ui.timeline}</h2>
      <Bars bars={bars} words={words} />
      <p class="hint">{ui.timelineHint}</p>
      <ol data-testid="timeline">
        {moments.map((moment, index) => (
          <li key={moment.key} class={`${moment.kind} ${moment.way}`}>
            <button type="button" aria-current={step === index ? "step" : undefined} onClick={() => choose(index)}>
              <time dateTime={moment.at} title={clock(moment.at, words.lang)}>
                {ui.since(span(Date.parse(moment.at) - start, words.lang))}
              </time>
              <span class="saga-moment">
                <strong>{words.scene(sceneOf(moment)).title}</strong>
                <span class="saga-chips">
                  {chips(moment, words).map((chip) => (
                    <span key={chip} class="saga-chip">
                      {chip}
                    </span>
                  ))}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function chips(moment: Moment, words: Words): readonly string[] {
  const { ui } = words;
  const found: string[] = [];
  if (moment.kind === "written") {
    found.push(ui.row(moment.row.id));
    const byTimer = moment.box === "worker";
    found.push(moment.cause ? ui.because(moment.cause) : byTimer ? ui.byTimer : ui.byRequest);
  }
  if (moment.kind === "published") {
    const { topic, partition, offset, attempts } = moment.row;
    found.push(`${topic}[${partition}]@${offset}`);
    if (attempts > 1) found.push(ui.attempts(attempts));
  }
  if ((moment.kind === "handled" || moment.kind === "dead") && moment.delivery.attempts > 1) {
    found.push(ui.attempts(moment.delivery.attempts));
  }
  found.push(...moment.moves.map((move) => ui.moved(move.to_status)));
  return found;
}

/** For the eye; the list below has the times. */
function Bars({ bars, words }: { bars: readonly Bar[]; words: Words }) {
  const { ui, lang } = words;
  return (
    <div class="saga-bars" aria-hidden="true">
      {bars.map((bar) => (
        <div key={bar.key} class="saga-bar">
          <span class="saga-bar-name">{bar.event}</span>
          <span class="saga-track">
            <i class="outbox" style={{ left: `${bar.start}%`, width: `${bar.outbox}%` }} />
            <i
              class={`kafka${bar.open ? " open" : ""}`}
              style={{ left: `${bar.start + bar.outbox}%`, width: `${bar.kafka}%` }}
            />
          </span>
          <span class="saga-bar-times">
            {bar.outboxMs === null ? "…" : span(bar.outboxMs, lang)}
            {bar.kafkaMs === null ? "" : ` · ${span(bar.kafkaMs, lang)}`}
          </span>
        </div>
      ))}
      <p class="saga-legend">
        <span class="outbox">{ui.inOutbox}</span> <span class="kafka">{ui.inKafka}</span>
      </p>
    </div>
  );
}
