import { useEffect, useState } from "preact/hooks";

import type { Box, BoxId, Edge, Graph, State } from "./graph";
import { FACTS_Y, fit, layout, LINE, LINES, type Place, type Shape, STATE_Y, TITLE_Y } from "./layout";
import type { Words } from "./words/en";

const NARROW = "(max-width: 760px)";
const SIGNS: Readonly<Record<State, string>> = { idle: "·", done: "✓", active: "▶", failing: "↻", stuck: "!" };

interface Props {
  graph: Graph;
  words: Words;
  now: number;
  /** The box that the chosen moment is about. */
  focus: BoxId | null;
}

/** The diagram, and the same as a list for screen readers. */
export function SagaGraph({ graph, words, now, focus }: Props) {
  const shape = useShape();
  const { width, height, places, path } = layout(shape);
  // The lit ways are drawn last, so that they lie on top.
  const edges = [...graph.edges].sort((one, other) => Number(one.state !== "idle") - Number(other.state !== "idle"));
  return (
    <section class="saga-graph" aria-label={words.ui.graphTitle}>
      <svg class={`saga-drawing ${shape}`} viewBox={`0 0 ${width} ${height}`} aria-hidden="true" data-testid="saga">
        <defs>
          {MARKERS.map((name) => (
            <marker
              key={name}
              id={`head-${name}`}
              class={`saga-head ${name}`}
              viewBox="0 0 8 8"
              refX="1"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 0L8 4L0 8Z" />
            </marker>
          ))}
        </defs>
        {edges.map((edge) => (
          <Way key={edge.id} edge={edge} d={path(edge)} />
        ))}
        {graph.boxes.map((box) => (
          <BoxDrawing
            key={box.id}
            box={box}
            place={places[box.id]}
            words={words}
            now={now}
            focused={focus === box.id}
          />
        ))}
      </svg>
      <Legend words={words} />
      <ol class="visually-hidden" aria-label={words.ui.boxList} data-testid="boxes">
        {graph.boxes.map((box) => (
          <li key={box.id} data-box={box.id} data-state={box.state}>
            {[words.boxLine(box), ...box.facts.map((fact) => words.fact(fact, now))].join("; ")}
          </li>
        ))}
      </ol>
    </section>
  );
}

const MARKERS = ["idle", "forward", "back", "failing", "stuck"] as const;

function tone(edge: Edge): (typeof MARKERS)[number] {
  if (edge.state === "failing" || edge.state === "stuck" || edge.state === "idle") return edge.state;
  return edge.way;
}

function Way({ edge, d }: { edge: Edge; d: string }) {
  if (d === "") return null;
  const moving = edge.state === "active" || edge.state === "failing" ? " moving" : "";
  return (
    <path
      class={`saga-way ${tone(edge)} ${edge.way}${moving}`}
      d={d}
      marker-end={`url(#head-${tone(edge)})`}
      data-edge={edge.id}
    >
      <title>{edge.events.join(", ")}</title>
    </path>
  );
}

interface BoxProps {
  box: Box;
  place: Place;
  words: Words;
  now: number;
  focused: boolean;
}

function BoxDrawing({ box, place, words, now, focused }: BoxProps) {
  const { x, y, width, height } = place;
  const way = box.way === "back" && box.state === "done" ? " back" : "";
  const lines = box.facts.slice(-LINES[box.id]);
  // The first fact of a service is its own state; it stays when its marks do not all fit.
  if (box.facts.length > lines.length) lines[0] = box.facts[0]!;
  return (
    <g
      class={`saga-box ${box.state}${way}${focused ? " focused" : ""}`}
      transform={`translate(${x} ${y})`}
      data-box={box.id}
    >
      <rect width={width} height={height} rx="10" />
      <text x="12" y={TITLE_Y} class="saga-name">
        {words.boxes[box.id]}
      </text>
      <text x="12" y={STATE_Y} class="saga-state">
        {`${SIGNS[box.state]} ${words.states[box.state]}`}
      </text>
      {lines.map((fact, index) => (
        <text key={index} x="12" y={FACTS_Y + index * LINE} class="saga-fact">
          {fit(words.fact(fact, now), width)}
        </text>
      ))}
    </g>
  );
}

function Legend({ words }: { words: Words }) {
  const { ui, states } = words;
  return (
    <ul class="saga-legend" aria-label={ui.legend}>
      <li class="forward">{ui.forward}</li>
      <li class="back">{ui.back}</li>
      <li class="failing">{states.failing}</li>
      <li class="stuck">{states.stuck}</li>
    </ul>
  );
}

function useShape(): Shape {
  const [shape, setShape] = useState<Shape>(() => (matchMedia(NARROW).matches ? "narrow" : "wide"));
  useEffect(() => {
    const query = matchMedia(NARROW);
    const change = () => setShape(query.matches ? "narrow" : "wide");
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  return shape;
}
