import type { Box, BoxId, Fact, State } from "../graph";
import type { Delivery } from "../traces";
import type { Call } from "../payments";
import type { Scene } from "../scene";
import { plural } from "../../locale/format";
import type { Lang } from "../../locale/lang";
import { HANDLED, WRITTEN } from "./en.steps";
import { clock, until } from "./format";

/** What is happening, in a title and a sentence, and why it works like this. */
export interface ExplanationText {
  title: string;
  what: string;
  why: string;
}

type Scenes = { [K in Scene["id"]]: (scene: Extract<Scene, { id: K }>) => ExplanationText };

const EVENTS: Readonly<Record<string, string>> = {
  OrderCreated: "the order was placed",
  PaymentAuthorized: "the money is held",
  PaymentDeclined: "the payment was declined",
  TicketIssued: "the tickets are issued",
  TicketRejected: "the airline rejected the tickets",
  OrderCancelled: "the order was cancelled",
  RefundRequested: "a refund was requested",
  TicketVoided: "the tickets are void",
  PaymentVoided: "the money was released",
  PaymentRefunded: "the money was refunded",
};

const ATTEMPTS = ["attempt", "attempts", "attempts"] as const;
const attempts = (count: number) => plural(count, "en", ATTEMPTS);

const CALL_NAMES: Readonly<Record<Call, string>> = {
  authorize: "hold the money",
  capture: "capture the held money",
  release: "return the money",
};

const BOX_NAMES: Readonly<Record<BoxId, string>> = {
  api: "API",
  outbox: "Outbox",
  worker: "Worker",
  kafka: "Kafka",
  payment: "payment-service",
  gateway: "Payment gateway",
  ticket: "ticket-service",
  order: "order-service",
};

const AWAITED_WHY: Readonly<Record<string, string>> = {
  "payment-service":
    "It marks the message in its inbox first. If Kafka delivers a second copy, the mark is found and nothing changes.",
  "ticket-service":
    "Tickets are issued in the same commit as the inbox mark, so repeated messages issue no second ticket.",
  "order-service": "It changes the status of the order in the same commit as the inbox mark.",
};

const ENDINGS: Readonly<Record<Extract<Scene, { id: "cancelled" }>["ending"], ExplanationText>> = {
  declined: {
    title: "Cancelled: the payment was declined",
    what: "The gateway declined the payment, so the order was cancelled and its seats are free again. Nothing was charged.",
    why: "Each service did its part when it received the message. No coordinator was needed, and nothing is left unfinished.",
  },
  rejected: {
    title: "Cancelled: the airline rejected the tickets",
    what: "The held money was released and the seats are free again. You have no tickets and were not charged.",
    why: "This is compensation: every finished step of the saga was undone by a step of its own.",
  },
  customer: {
    title: "Cancelled on request",
    what: "The seats are free, no ticket is valid and no money is held.",
    why: "All work in progress was undone, even if its result arrived after the cancellation.",
  },
  deadline: {
    title: "Cancelled: the order timed out",
    what: "The order was not completed in time, so a timer in the worker cancelled it. Seats, tickets and money were released.",
    why: "An order must not wait indefinitely for a response. The deadline is the last safeguard of every saga.",
  },
  voided: {
    title: "Cancelled: the payment was abandoned",
    what: "The money was released, the seats are free again, and there are no tickets.",
    why: "An order cannot be completed without its payment.",
  },
};

const SCENES: Scenes = {
  written: ({ event }) => ({
    title: `Written to the outbox: ${EVENTS[event] ?? event}`,
    ...(WRITTEN[event] ?? { what: `${event} was written to the outbox.`, why: "" }),
  }),
  published: ({ event, attempts: count, topic, partition, offset }) => ({
    title: `The worker published ${event} to Kafka`,
    what:
      `Kafka acknowledged it: topic ${topic}, partition ${partition}, offset ${offset}. The row moved from the outbox to its archive.` +
      (count > 1 ? ` It took ${attempts(count)}; the row stayed safe in between.` : ""),
    why:
      count > 1
        ? "A row leaves the outbox only when Kafka has acknowledged it. If a message is lost on the way, it is sent again."
        : "A row leaves the outbox only when Kafka has acknowledged it. All messages of one order go to one partition, so they stay in order.",
  }),
  handled: ({ event, consumer, attempts: count, moved }) => {
    const text = HANDLED[`${consumer} ${event}`] ?? { what: `${consumer} handled ${event}.`, why: "" };
    const again = count > 1 ? ` It took ${attempts(count)}.` : "";
    const still =
      consumer === "order-service" && !moved ? " The order already had this status, so nothing changed." : "";
    return { title: `${consumer} handled ${event}`, what: text.what + again + still, why: text.why };
  },
  dead: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} could not handle ${event ?? "a message"}`,
    what: `After ${attempts(count)} the message became a dead letter. Last error: ${error}`,
    why: "A message that keeps failing must not block the others. It is stored complete. When the cause is fixed, an operator replays it and the order continues.",
  }),
  publish: ({ event, attempts: count, error }) =>
    count === 0
      ? {
          title: `${event} is waiting in the outbox`,
          what: "The message is safe in the database. A worker publishes it to Kafka within milliseconds.",
          why: "The order and its message are in one commit, so the message is safe even if every process crashes now.",
        }
      : {
          title: `${event} has not reached Kafka yet`,
          what: `${attempts(count)} without an acknowledgement${error ? ` (${error})` : ""}. The worker retries automatically.`,
          why: "Nothing is lost: the row stays in the outbox until Kafka acknowledges it. Later messages of this order wait so that the sequence is kept. Other orders continue.",
        },
  parked: ({ event, error }) => ({
    title: `${event} is parked`,
    what: `Kafka cannot accept this message (${error}). It stays in the outbox and is not retried.`,
    why: "A retry would not help. An operator fixes the cause and unparks the row. Until then, later messages of this order wait.",
  }),
  awaited: ({ event, consumer, place }) => ({
    title: `${event} is in Kafka, ${consumer} is next`,
    what: `The message is at ${place}. ${consumer} has not handled it yet.`,
    why: AWAITED_WHY[consumer] ?? "",
  }),
  retry: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} is retrying ${event}`,
    what: `So far: ${attempts(count)}. ${error}`,
    why: "The failed message is in the retry queue, so it does not hold up other orders. The pauses grow: 1, 2, 4, 8 seconds. After the fifth attempt it becomes a dead letter.",
  }),
  call: ({ call, attempts: count, error }) =>
    count <= 1 && !error
      ? {
          title: `Calling the gateway to ${CALL_NAMES[call]}`,
          what: "payment-service is waiting for the response. No transaction is open, and no other message is held up.",
          why: "The order id is the key of the call. If the response is lost, a repeated call with the same key gets the same response, so there is no second charge.",
        }
      : {
          title: `Calling the gateway again to ${CALL_NAMES[call]}`,
          what: `So far: ${attempts(count)}${error ? ` (${error})` : ""}. The call is repeated automatically.`,
          why: "The gateway may have done the work, and only its response was lost. With the same key, a repeated call is safe.",
        },
  nothing: () => ({
    title: "Waiting for the next message",
    what: "Every message of this order has been handled, and none is on the way.",
    why: "If no message arrives, the deadline ends the order.",
  }),
  completed: ({ captured }) => ({
    title: "Done: the tickets are yours",
    what: captured
      ? "The tickets are issued and the money is captured. Nothing is left to do."
      : "The tickets are issued. The money is held and is now being captured.",
    why: "No service called another one. Each wrote its result and its message in one commit, a worker published the message, and the next service continued: this is a saga with an outbox.",
  }),
  cancelled: ({ ending, reason }) => {
    const text = ENDINGS[ending];
    return { ...text, what: ending !== "deadline" && reason ? `${text.what} (${reason})` : text.what };
  },
  refunded: () => ({
    title: "Refunded: tickets void, money returned",
    what: "The tickets are void, the money was returned, and the seats are free again.",
    why: "A refund is a small saga of its own: first the tickets, then the money. A message reports each step.",
  }),
};

const STATE_NAMES: Readonly<Record<State, string>> = {
  idle: "not needed yet",
  done: "done",
  active: "working",
  failing: "retrying",
  stuck: "needs help",
};

const PAYMENT_NAMES: Readonly<Record<string, string>> = {
  REQUESTED: "requesting the money",
  AUTHORIZED: "money held",
  DECLINED: "declined",
  CAPTURING: "capturing the money",
  CAPTURED: "money captured",
  VOIDING: "releasing the money",
  VOIDED: "money released",
  REFUNDING: "refunding the money",
  REFUNDED: "money refunded",
};

const CALLS_SHORT: Readonly<Record<Call, string>> = { authorize: "hold", capture: "capture", release: "return" };

function fact(one: Fact, now: number): string {
  switch (one.kind) {
    case "accepted":
      return `order accepted ${clock(one.at, "en")}`;
    case "requested":
      return `${one.event} ${clock(one.at, "en")}`;
    case "rows":
      return `${one.waiting} waiting, ${one.published} published`;
    case "row":
      return `row ${one.id}: ${one.event}`;
    case "tried":
      return `${one.event}, ${attempts(one.attempts)}`;
    case "parked":
      return `row ${one.id} parked: ${one.error}`;
    case "next": {
      const left = until(one.at, now, "en");
      return left ? `next attempt in ${left}` : "next attempt now";
    }
    case "error":
      return one.error;
    case "sent":
      return `${plural(one.events, "en", ["message", "messages", "messages"])} sent, ${attempts(one.attempts)}`;
    case "nothing_sent":
      return "nothing sent yet";
    case "topic":
      return `${one.topic.topic} [${one.topic.partition}] @${one.topic.offset}`;
    case "topic_empty":
      return `${one.stream}: empty`;
    case "mark":
      return mark(one.event, one.delivery);
    case "nothing_yet":
      return "nothing to do yet";
    case "payment":
      return `${PAYMENT_NAMES[one.status] ?? one.status}${one.reason ? `: ${one.reason}` : ""}`;
    case "call":
      return `${CALLS_SHORT[one.call]}: attempt ${one.attempts}`;
    case "authorization":
      return `auth …${one.id.slice(-12)}`;
    case "tickets":
      return (one.valid ? `${one.valid} valid` : `${one.void} void`) + `: ${one.seats.join(", ")}`;
    case "order":
      return one.status;
  }
}

function mark(event: string, one: Delivery): string {
  const tries = one.attempts > 1 ? `, ${attempts(one.attempts)}` : "";
  switch (one.state) {
    case "handled":
      return `✓ ${event}${tries}`;
    case "retrying":
      return `↻ ${event}${tries}`;
    case "dead":
      return `✗ ${event}: dead letter`;
    case "discarded":
      return `✗ ${event}: discarded`;
    case "forgotten":
      return `${event}: no longer kept`;
    default:
      return `… ${event}`;
  }
}

export const en = {
  lang: "en" as Lang,
  boxes: BOX_NAMES,
  states: STATE_NAMES,
  scene: (scene: Scene): ExplanationText => (SCENES[scene.id] as (one: Scene) => ExplanationText)(scene),
  fact,
  boxLine: (box: Box) => `${BOX_NAMES[box.id]}: ${STATE_NAMES[box.state]}${box.way === "back" ? ", compensating" : ""}`,
  glossary: {
    api: "Accepts your request. It writes the order and its message in one commit and then responds. It calls no other service.",
    outbox:
      "A table in the same database as the orders. A message is a row in it, so the message exists if and only if its change does.",
    worker:
      "Publishes outbox rows to Kafka. It removes a row only when Kafka has acknowledged it, and retries until then.",
    kafka:
      "The log of all messages, in topics. Services read at their own pace. After an outage, a service continues where it stopped.",
    payment: "Calls the payment gateway to hold, capture or return the money. Its inbox records what it has handled.",
    gateway:
      "The side of the bank, here a simulator. It knows every order by its key and gives a repeated call the same response.",
    ticket: "Gets tickets and places on board from the airline, or voids them.",
    order: "Updates the status of the order when messages arrive, and releases the seats if it ends without tickets.",
  } satisfies Record<BoxId, string> as Record<BoxId, string>,
  ui: {
    graphTitle: "Saga of this order",
    boxList: "Box by box",
    legend: "Legend",
    forward: "forward",
    back: "compensation",
    now: "What is happening, and why",
    why: "Why",
    at: "Step {n} of {all}",
    waitsFor: "Waiting for",
    forNothing: "Nothing. The order is finished.",
    movesBy: "Continues or ends automatically",
    inTime: (left: string) => `within ${left}`,
    anyMoment: "any moment",
    command: "Command for operators",
    copy: "Copy",
    copied: "Copied",
    openDeadLetter: "Open this dead letter in the control room",
    timeline: "Timeline",
    timelineHint: "Select a step to see the diagram at that moment.",
    inOutbox: "in the outbox",
    inKafka: "in Kafka, until handled",
    since: (text: string) => `+${text}`,
    first: "First step",
    previous: "Previous step",
    next: "Next step",
    latest: "Now",
    play: "Play slowly",
    pause: "Pause",
    because: (event: string) => `because of ${event}`,
    byRequest: "API request",
    byTimer: "deadline",
    moved: (status: string) => `order → ${status}`,
    attempts,
    row: (id: number) => `outbox row ${id}`,
    whatAreThese: "What are these boxes?",
    retention: "Messages are kept for a few days. Older ones are not shown.",
    lost: "The API is not responding. You see the last known state; the order continues without this page.",
    links: {
      opening: "Loading the order…",
      live: "Live: changes appear as they happen.",
      polling: "Live updates are interrupted. The page checks the order every few seconds.",
      ended: "Finished: no more work is in progress for this order.",
    },
  },
};

export type Words = typeof en;
