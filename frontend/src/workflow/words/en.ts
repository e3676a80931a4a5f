import type { Box, BoxId, Fact, State } from "../graph";
import type { Delivery } from "../hops";
import type { Call } from "../payments";
import type { Scene } from "../scene";
import { plural } from "../../locale/format";
import type { Lang } from "../../locale/lang";
import { HANDLED, WRITTEN } from "./en.steps";
import { clock, until } from "./format";

/** What is happening, in a title and a sentence, and why it is done like this. */
export interface Told {
  title: string;
  what: string;
  why: string;
}

type Scenes = { [K in Scene["id"]]: (scene: Extract<Scene, { id: K }>) => Told };

const EVENTS: Readonly<Record<string, string>> = {
  OrderCreated: "the order was placed",
  PaymentAuthorized: "the money is held",
  PaymentDeclined: "the payment was declined",
  TicketIssued: "the tickets are issued",
  TicketRejected: "the airline refused",
  OrderCancelled: "the order was cancelled",
  RefundRequested: "a refund was asked for",
  TicketVoided: "the tickets are void",
  PaymentVoided: "the money was released",
  PaymentRefunded: "the money was given back",
};

const ATTEMPTS = ["attempt", "attempts", "attempts"] as const;
const attempts = (count: number) => plural(count, "en", ATTEMPTS);

const CALL_NAMES: Readonly<Record<Call, string>> = {
  authorize: "hold the money",
  capture: "take the money it holds",
  release: "give the money back",
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
    "It will note the message in its inbox first. If Kafka delivers it twice, the second copy finds the mark and changes nothing.",
  "ticket-service":
    "Tickets are made in the same commit as the inbox mark, so they are made once, however often the message comes.",
  "order-service": "It will move the order's status in the same commit as the inbox mark.",
};

const ENDINGS: Readonly<Record<Extract<Scene, { id: "cancelled" }>["ending"], Told>> = {
  declined: {
    title: "Cancelled: the payment was declined",
    what: "The gateway would not take the money, so the order ended and its seats are free again. Nothing was charged.",
    why: "Each service did its part when the message reached it; no coordinator was needed, and nothing is left half done.",
  },
  rejected: {
    title: "Cancelled: the airline refused the tickets",
    what: "The held money was released and the seats are free again. You have no tickets and paid nothing.",
    why: "This is the saga's way back: every step that had been done was undone by a step of its own.",
  },
  customer: {
    title: "Cancelled on request",
    what: "The seats are free, no ticket is valid and no money is held.",
    why: "Whatever was under way when you cancelled was taken back, also if it came in later than the cancellation.",
  },
  deadline: {
    title: "Cancelled: it took too long",
    what: "No answer ended the order in time, so a timer in the worker did. Seats, tickets and money were given back.",
    why: "An order must not hang for ever on somebody who never answers. The deadline is the last rescue of every saga.",
  },
  voided: {
    title: "Cancelled: the payment was given up",
    what: "The money was released, the seats are free again, and there are no tickets.",
    why: "An order without its money cannot be completed.",
  },
};

const SCENES: Scenes = {
  written: ({ event }) => ({
    title: `Written to the outbox: ${EVENTS[event] ?? event}`,
    ...(WRITTEN[event] ?? { what: `${event} was written to the outbox.`, why: "" }),
  }),
  published: ({ event, attempts: count, topic, partition, offset }) => ({
    title: `The worker brought ${event} to Kafka`,
    what:
      `Kafka confirmed it: topic ${topic}, partition ${partition}, offset ${offset}. The row moved from the outbox to its archive.` +
      (count > 1 ? ` It took ${attempts(count)}; the row waited safely in between.` : ""),
    why:
      count > 1
        ? "A row leaves the outbox only when Kafka has confirmed it. That is why a message that gets lost on the way is simply sent again."
        : "The row leaves the outbox only after Kafka's confirmation. All messages of one order go to one partition, so they stay in order.",
  }),
  handled: ({ event, consumer, attempts: count, moved }) => {
    const told = HANDLED[`${consumer} ${event}`] ?? { what: `${consumer} handled ${event}.`, why: "" };
    const again = count > 1 ? ` It took ${attempts(count)}.` : "";
    const still = consumer === "order-service" && !moved ? " The order was there already, so its status stayed." : "";
    return { title: `${consumer} handled ${event}`, what: told.what + again + still, why: told.why };
  },
  dead: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} could not handle ${event ?? "a message"}`,
    what: `After ${attempts(count)} the message was put aside as a dead letter. The last error: ${error}`,
    why: "A message that fails again and again must not block the others. It is kept whole; once the cause is mended, an operator replays it and the order goes on.",
  }),
  publish: ({ event, attempts: count, error }) =>
    count === 0
      ? {
          title: `${event} waits in the outbox`,
          what: "The message is safe in the database. A worker will take it to Kafka in a few milliseconds.",
          why: "The order and its message are one commit, so this message cannot be lost, even if every process died right now.",
        }
      : {
          title: `${event} did not reach Kafka yet`,
          what: `The worker tried: ${attempts(count)}, no confirmation${error ? ` (${error})` : ""}. It tries again by itself.`,
          why: "Nothing is lost: the row stays in the outbox until Kafka confirms. Later messages of this order wait behind it so that the order is kept; other orders go on.",
        },
  parked: ({ event, error }) => ({
    title: `${event} was parked`,
    what: `Kafka can never take this message as it is (${error}). It stays in the outbox and is not tried any more.`,
    why: "Trying for ever would not help. An operator mends the cause and releases the row; until then later messages of this order wait.",
  }),
  awaited: ({ event, consumer, place }) => ({
    title: `${event} is in Kafka, ${consumer} is next`,
    what: `The message lies at ${place}. ${consumer} has not handled it yet.`,
    why: AWAITED_WHY[consumer] ?? "",
  }),
  retry: ({ event, consumer, attempts: count, error }) => ({
    title: `${consumer} tries ${event} again`,
    what: `So far: ${attempts(count)}. ${error}`,
    why: "The failed message was put aside, so it holds up no other order. The pauses grow: 1, 2, 4, 8 seconds. After the fifth attempt it becomes a dead letter.",
  }),
  call: ({ call, attempts: count, error }) =>
    count <= 1 && !error
      ? {
          title: `The gateway is asked to ${CALL_NAMES[call]}`,
          what: "payment-service waits for its answer. No transaction is open and no other message is held up meanwhile.",
          why: "The order's id is the key of the call. Should the answer get lost, the same question with the same key gets the same answer, and nobody is charged twice.",
        }
      : {
          title: `The gateway is asked again to ${CALL_NAMES[call]}`,
          what: `So far: ${attempts(count)}${error ? ` (${error})` : ""}. It is asked again by itself.`,
          why: "Nobody knows whether the gateway did it and only its answer was lost. With the same key, asking again is safe.",
        },
  nothing: () => ({
    title: "It waits for the next message",
    what: "Every message of this order was handled, and none is on its way.",
    why: "If nothing comes, the deadline ends the order by itself.",
  }),
  completed: ({ captured }) => ({
    title: "Done: the tickets are yours",
    what: captured
      ? "Tickets are issued and the money is taken. Nothing is left to do."
      : "Tickets are issued. The money is held and is just being taken.",
    why: "No service called another one. Each wrote its result and its message in one commit, a worker carried the message, and the next service went on: that is a saga with an outbox.",
  }),
  cancelled: ({ ending, reason }) => {
    const told = ENDINGS[ending];
    return { ...told, what: ending !== "deadline" && reason ? `${told.what} (${reason})` : told.what };
  },
  refunded: () => ({
    title: "Refunded: tickets void, money back",
    what: "The tickets are void, the money went back, and the seats are free again.",
    why: "A refund is a small saga of its own: first the tickets, then the money, each step told by a message.",
  }),
};

const STATE_NAMES: Readonly<Record<State, string>> = {
  idle: "not needed yet",
  done: "done",
  active: "at work",
  failing: "tries again",
  stuck: "needs help",
};

const PAYMENT_NAMES: Readonly<Record<string, string>> = {
  REQUESTED: "asking for the money",
  AUTHORIZED: "money held",
  DECLINED: "declined",
  CAPTURING: "taking the money",
  CAPTURED: "money taken",
  VOIDING: "releasing the money",
  VOIDED: "money released",
  REFUNDING: "giving it back",
  REFUNDED: "money given back",
};

const CALLS_SHORT: Readonly<Record<Call, string>> = { authorize: "hold", capture: "take", release: "give back" };

function fact(one: Fact, now: number): string {
  switch (one.kind) {
    case "accepted":
      return `order accepted ${clock(one.at, "en")}`;
    case "asked":
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
      return left ? `next attempt in ${left}` : "next attempt any moment";
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
      return `${one.stream}: nothing yet`;
    case "mark":
      return mark(one.event, one.delivery);
    case "nothing_yet":
      return "nothing to do yet";
    case "payment":
      return `${PAYMENT_NAMES[one.status] ?? one.status}${one.reason ? `: ${one.reason}` : ""}`;
    case "call":
      return `asked to ${CALLS_SHORT[one.call]}, attempt ${one.attempts}`;
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
  scene: (scene: Scene): Told => (SCENES[scene.id] as (one: Scene) => Told)(scene),
  fact,
  boxLine: (box: Box) =>
    `${BOX_NAMES[box.id]}: ${STATE_NAMES[box.state]}${box.way === "back" ? ", on the way back" : ""}`,
  glossary: {
    api: "Takes your request. It writes the order and a message about it in one commit and then answers; it talks to no other service.",
    outbox:
      "A table in the same database as the orders. A message is a row in it, so it is there exactly when the change that it tells of is there.",
    worker:
      "Takes rows out of the outbox and brings them to Kafka. It deletes a row only when Kafka has confirmed it, and tries again for as long as that takes.",
    kafka:
      "The log of all messages, in topics. Services read at their own pace; a service that was away goes on where it stopped.",
    payment: "Asks the payment gateway to hold, take or give back the money. Its inbox remembers what it has handled.",
    gateway:
      "The bank's side; a simulator here. It knows every order by its key and answers a repeated question as before.",
    ticket: "Gets tickets and places on board from the airline, or makes them void.",
    order: "Moves the order's status when messages arrive, and gives seats back when an order ends without tickets.",
  } satisfies Record<BoxId, string> as Record<BoxId, string>,
  ui: {
    graphTitle: "The saga of this order",
    boxList: "Box by box",
    legend: "Key",
    forward: "forward",
    back: "way back (compensation)",
    now: "What is happening, and why",
    why: "Why",
    at: "Step {n} of {all}",
    waitsFor: "It waits for",
    forNothing: "Nothing: all of it is done.",
    movesBy: "It goes on or ends by itself",
    inTime: (left: string) => `in ${left} at the latest`,
    anyMoment: "any moment",
    command: "This command moves or shows it",
    copy: "Copy",
    copied: "Copied",
    toLetter: "Open this dead letter in the control room",
    timeline: "Timeline",
    timelineHint: "Choose a step to see the drawing as it was then.",
    inOutbox: "in the outbox",
    inKafka: "in Kafka until handled",
    since: (text: string) => `+${text}`,
    first: "First step",
    previous: "Step back",
    next: "Step forward",
    latest: "Now",
    play: "Play it slowly",
    pause: "Pause",
    because: (event: string) => `because of ${event}`,
    byRequest: "asked for over the API",
    byTimer: "the deadline passed",
    moved: (status: string) => `order → ${status}`,
    attempts,
    row: (id: number) => `outbox row ${id}`,
    whatAreThese: "What are these boxes?",
    retention: "Messages are kept for some days only; what is older is not shown here.",
    lost: "The API does not answer. What you see is the last known state; the order goes on without the page.",
    links: {
      opening: "Looking the order up …",
      live: "Live: every change is shown as it happens.",
      polling: "The live connection is down; the order is looked up every few seconds.",
      ended: "Finished: nothing of this order is under way any more.",
    },
  },
};

export type Words = typeof en;
