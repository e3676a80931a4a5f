import { describe, expect, test } from "vitest";

import { graph } from "./graph";
import { fit, layout, type Place } from "./layout";
import { flow, NOON, row } from "./fixtures";

// The deadline's way is drawn only when it was taken.
const GRAPH = graph(flow("CANCELLED", { reason: "deadline_passed", outbox: [row("OrderCancelled", 1)] }), NOON);

const apart = (one: Place, other: Place) =>
  one.x + one.width <= other.x ||
  other.x + other.width <= one.x ||
  one.y + one.height <= other.y ||
  other.y + other.height <= one.y;

describe.each(["wide", "narrow"] as const)("%s", (shape) => {
  const { width, height, places, path } = layout(shape);
  const boxes = Object.values(places);

  test("every box is on the drawing and on no other box", () => {
    for (const box of boxes) {
      expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);
      expect(boxes.filter((other) => other !== box).every((other) => apart(box, other))).toBe(true);
    }
  });

  test("every way has its own line, and none leaves the drawing", () => {
    const lines = GRAPH.edges.map(path);

    expect(new Set(lines).size).toBe(GRAPH.edges.length);
    for (const line of lines) {
      const [first, ...numbers] = line.match(/-?\d+(\.\d+)?/g)!.map(Number);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(Math.max(width, height));
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    }
  });
});

test("what does not fit is cut", () => {
  expect(fit("short", 212)).toBe("short");
  const cut = fit("a very long fact that no box has room for, not even the widest", 212);
  expect(cut.length).toBeLessThanOrEqual(31);
  expect(cut.endsWith("…")).toBe(true);
});
