/** A curve of the last two minutes as an SVG path. */
import type { Point } from "./rates";
import { KEPT_SECONDS } from "./rates";

export interface Curve {
  line: string;
  area: string;
  /** What the full height stands for. */
  top: number;
}

/** The newest point is at the right edge. Unknown values, and pauses of more than five seconds, leave a gap. */
export function curve(points: readonly Point[], width: number, height: number): Curve {
  const top = ceiling(Math.max(0, ...points.map((point) => point.value ?? 0)));
  const last = points[points.length - 1]?.at ?? 0;
  const x = (at: number) => round(width - ((last - at) / (KEPT_SECONDS * 1000)) * width);
  const y = (value: number) => round(height - (value / top) * height);
  const pieces = runs(points).map((run) => run.map(([at, value]) => `${x(at)} ${y(value)}`));
  const line = pieces.map((piece) => `M${piece.join("L")}`).join("");
  const area = pieces
    .map(
      (piece) => `M${piece[0]!.split(" ")[0]} ${height}L${piece.join("L")}L${piece.at(-1)!.split(" ")[0]} ${height}Z`,
    )
    .join("");
  return { line, area, top };
}

/** The next of 1, 2, 5, 10, 20, 50 ...: the scale stays put while values wobble. */
export function ceiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}

function runs(points: readonly Point[]): readonly (readonly [number, number])[][] {
  const found: [number, number][][] = [];
  let before: number | null = null;
  for (const { at, value } of points) {
    if (value === null) {
      before = null;
      continue;
    }
    if (before === null || at - before > 5000) found.push([]);
    found[found.length - 1]!.push([at, value]);
    before = at;
  }
  return found;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
