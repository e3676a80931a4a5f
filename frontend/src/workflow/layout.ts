/** Positions of boxes and edges in the diagram: side by side, or stacked on a narrow screen. */
import type { BoxId, Edge } from "./graph";

export type Shape = "wide" | "narrow";

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  places: Readonly<Record<BoxId, Place>>;
  path: (edge: Edge) => string;
}

export const TITLE_Y = 22;
export const STATE_Y = 40;
export const FACTS_Y = 61;
export const LINE = 17;
const PADDING = 10;
const CHARACTER = 6.3;

/** How many lines of facts a box has room for. */
export const LINES: Readonly<Record<BoxId, number>> = {
  api: 3,
  outbox: 3,
  worker: 3,
  kafka: 3,
  payment: 5,
  gateway: 4,
  ticket: 5,
  order: 5,
};

/** Cuts the text to the width of the box. */
export function fit(text: string, width: number): string {
  const characters = Math.floor((width - 2 * PADDING) / CHARACTER);
  return text.length <= characters ? text : `${text.slice(0, characters - 1).trimEnd()}…`;
}

export function layout(shape: Shape): Layout {
  return shape === "wide" ? WIDE : NARROW;
}

function height(id: BoxId): number {
  return FACTS_Y + LINE * LINES[id] - 4;
}

/** Two lines side by side for the two ways; `back` is the second one. */
function lane(edge: Edge, forward: number, back: number): number {
  return edge.way === "back" ? back : forward;
}

function straight(x1: number, y1: number, x2: number, y2: number): string {
  return `M${x1} ${y1}L${x2} ${y2}`;
}

/** Leaves and arrives vertically. */
function curve(x1: number, y1: number, x2: number, y2: number): string {
  const middle = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
}

// ---- wide: API -> outbox -> worker -> Kafka, and below it who reads Kafka

const W = 212;
const COLUMNS = [8, 264, 520, 776] as const;
const TOP = 8;
const BELOW = 240;

const WIDE_PLACES: Readonly<Record<BoxId, Place>> = {
  api: { x: COLUMNS[0], y: TOP, width: W, height: height("kafka") },
  outbox: { x: COLUMNS[1], y: TOP, width: W, height: height("kafka") },
  worker: { x: COLUMNS[2], y: TOP, width: W, height: height("kafka") },
  kafka: { x: COLUMNS[3], y: TOP, width: W, height: height("kafka") },
  gateway: { x: COLUMNS[0], y: BELOW, width: W, height: height("order") },
  payment: { x: COLUMNS[1], y: BELOW, width: W, height: height("order") },
  ticket: { x: COLUMNS[2], y: BELOW, width: W, height: height("order") },
  order: { x: COLUMNS[3], y: BELOW, width: W, height: height("order") },
};

const WIDE: Layout = {
  width: 996,
  height: BELOW + height("order") + 8,
  places: WIDE_PLACES,
  path: widePath,
};

function widePath(edge: Edge): string {
  const bottom = TOP + height("kafka");
  const [api, outbox, worker, kafka] = COLUMNS;
  switch (`${edge.from}-${edge.to}`) {
    case "api-outbox":
      return straight(api + W, lane(edge, 45, 80), outbox - 7, lane(edge, 45, 80));
    case "outbox-worker":
      return straight(outbox + W, 45, worker - 7, 45);
    case "worker-outbox":
      return straight(worker, 80, outbox + W + 7, 80);
    case "worker-kafka":
      return straight(worker + W, 45, kafka - 7, 45);
    case "kafka-order":
      return curve(lane(edge, kafka + 130, kafka + 165), bottom, lane(edge, kafka + 130, kafka + 165), BELOW - 7);
    case "kafka-ticket":
      return curve(lane(edge, kafka + 60, kafka + 82), bottom, lane(edge, worker + 135, worker + 165), BELOW - 7);
    case "kafka-payment":
      return curve(lane(edge, kafka + 16, kafka + 38), bottom, lane(edge, outbox + 150, outbox + 180), BELOW - 7);
    case "payment-outbox":
      return curve(lane(edge, outbox + 40, outbox + 70), BELOW, lane(edge, outbox + 40, outbox + 70), bottom + 7);
    case "ticket-outbox":
      return curve(lane(edge, worker + 30, worker + 60), BELOW, lane(edge, outbox + 130, outbox + 160), bottom + 7);
    case "payment-gateway":
      return straight(outbox, lane(edge, BELOW + 45, BELOW + 80), api + W + 7, lane(edge, BELOW + 45, BELOW + 80));
    default:
      return "";
  }
}

// ---- narrow: one below the other; on the right from Kafka to those who read, on the left their events to the outbox

const NARROW_ORDER: readonly BoxId[] = ["api", "outbox", "worker", "kafka", "payment", "gateway", "ticket", "order"];
const NX = 38;
const NW = 264;
const NARROW_GAP = 34;

const NARROW_PLACES = narrowPlaces();

function narrowPlaces(): Readonly<Record<BoxId, Place>> {
  let y = 8;
  const found: Partial<Record<BoxId, Place>> = {};
  for (const id of NARROW_ORDER) {
    found[id] = { x: NX, y, width: NW, height: height(id) };
    y += height(id) + NARROW_GAP;
  }
  return found as Record<BoxId, Place>;
}

const NARROW: Layout = {
  width: 340,
  height: NARROW_PLACES.order.y + NARROW_PLACES.order.height + 8,
  places: NARROW_PLACES,
  path: narrowPath,
};

function narrowPath(edge: Edge): string {
  const from = NARROW_PLACES[edge.from];
  const to = NARROW_PLACES[edge.to];
  const right = NX + NW;
  switch (`${edge.from}-${edge.to}`) {
    case "worker-outbox":
      return straight(NX + 200, from.y, NX + 200, to.y + to.height + 7);
    case "kafka-ticket":
      return detour(
        right,
        lane(edge, 312, 319),
        lane(edge, from.y + 30, from.y + 42),
        lane(edge, to.y + 30, to.y + 44),
      );
    case "kafka-order":
      return detour(
        right,
        lane(edge, 326, 333),
        lane(edge, from.y + 54, from.y + 66),
        lane(edge, to.y + 30, to.y + 44),
      );
    case "payment-outbox":
      return detour(NX, lane(edge, 27, 20), lane(edge, from.y + 30, from.y + 44), lane(edge, to.y + 30, to.y + 44));
    case "ticket-outbox":
      return detour(NX, lane(edge, 13, 6), lane(edge, from.y + 30, from.y + 44), lane(edge, to.y + 58, to.y + 72));
    default: {
      const x = lane(edge, NX + 110, NX + 150);
      return straight(x, from.y + from.height, x, to.y - 7);
    }
  }
}

/** Out of a side, along a lane, and into the same side of another box; the head of the arrow needs a little room. */
function detour(side: number, x: number, y1: number, y2: number): string {
  const head = x > side ? side + 7 : side - 7;
  return `M${side} ${y1}L${x} ${y1}L${x} ${y2}L${head} ${y2}`;
}
