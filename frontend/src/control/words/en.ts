import type { Lang } from "../../locale/lang";
import type { Outlook } from "../letters";
import type { Metric } from "../rates";

export interface PointWords {
  title: string;
  what: string;
}

const METRICS: Readonly<Record<Metric, { title: string; unit: string }>> = {
  orders: { title: "Orders placed", unit: "per second" },
  published: { title: "Messages published", unit: "per second" },
  processed: { title: "Messages handled", unit: "per second" },
  lag: { title: "Waiting in Kafka", unit: "messages" },
  pending: { title: "Waiting in the outbox", unit: "messages" },
  oldest: { title: "Oldest in the outbox", unit: "seconds" },
  retries: { title: "Waiting for a retry", unit: "messages" },
  letters: { title: "Open dead letters", unit: "messages" },
};

const POINTS: Readonly<Record<string, PointWords>> = {
  "publish.drop": {
    title: "Message lost on the way to Kafka",
    what: "The record is not sent. The row stays in the outbox and is sent again.",
  },
  "publish.ack_lost": {
    title: "Kafka's confirmation lost",
    what: "The record arrives, the worker does not hear of it and sends it again. The inbox drops the copy.",
  },
  "publish.duplicate": {
    title: "Message sent twice",
    what: "The inbox drops the second copy.",
  },
  "publish.delay": {
    title: "Message sent late",
    what: "A quarter of a second late; later ones of the same order wait behind it.",
  },
  "consume.fail": {
    title: "A service fails to handle a message",
    what: "It is tried again after 1, 2, 4 and 8 seconds. After five failures it is a dead letter.",
  },
  "consume.crash": {
    title: "A service crashes in the middle",
    what: "The process ends before its commit. Nothing was written, so the batch comes again.",
  },
  "database.blip": {
    title: "The database is gone for a moment",
    what: "A commit fails, or only its answer is lost. Callers get a 503 and may repeat with the same key.",
  },
  "gateway.timeout": {
    title: "The payment gateway does not answer",
    what: "It does its work, the answer gets lost. It is asked again with the same key: one charge.",
  },
  "airline.reject": {
    title: "The airline refuses the tickets",
    what: "No failure but an answer: the saga goes the way back and releases the money.",
  },
};

const OUTLOOKS: Readonly<Record<Outlook, string>> = {
  fine: "Nothing stands against a replay: the consumer gets the message once more.",
  handled: "Its consumer has handled this event meanwhile: a replay would change nothing.",
  forgotten: "It is so old that the inbox may have forgotten whether it was handled. Check before you replay it.",
  late: "Its consumer has handled a later event of this order already.",
  finished: "Its order has come to its end meanwhile.",
};

export const en = {
  lang: "en" as Lang,
  locale: "en-GB",
  title: "Control room",
  intro: "What the whole system does this very second, and how to make it harder for it.",
  metrics: METRICS,
  points: POINTS,
  outlooks: OUTLOOKS,
  /** What the API says is English already. */
  meanings: {} as Readonly<Record<string, string>>,
  rates: {
    title: "Live",
    hint: "The last two minutes, looked up every second.",
    unknown: "not known yet",
    scale: (top: string) => `full height: ${top}`,
    lost: "The API does not answer, so nothing new is known. It is asked again every second.",
    unknownServers: (names: string) => `No answer from: ${names}. What only they know is left out.`,
    parked: (count: number) => `${count} parked in the outbox: no longer tried, see \`ordersys outbox list\`.`,
    byConsumer: "Waiting in Kafka, by consumer",
    totals: (finished: string) => `${finished} orders finished so far`,
  },
  chaos: {
    title: "Faults on purpose",
    hint: "Each slider is the probability of one fault. Whatever you choose, no order gets lost: the audit below says so.",
    off: "All off",
    reset: "As configured",
    setBy: (who: string) => `set by ${who}`,
    configured: (rate: string) => `configured: ${rate}`,
    forbidden: "This is production: faults cannot be switched on here.",
    saved: (point: string, rate: string) => `${point} is now ${rate}, in every process within two seconds.`,
    allOff: "All faults are off.",
    allReset: "The rates of the configuration hold again.",
  },
  load: {
    title: "Load",
    hint: "Has the API place demo orders by itself, so that there is something to see.",
    rate: "Orders per second",
    seconds: "For how many seconds",
    start: "Start",
    stop: "Stop",
    running: (rate: number, left: string) => `${rate} orders per second, ${left} to go`,
    idle: "No load is running.",
    last: (done: string) => `No load is running. The last one: ${done}.`,
    done: (accepted: string, failed: string) => `accepted ${accepted}, failed ${failed}`,
  },
  letters: {
    title: "Dead letters",
    hint: "Messages that a service could not handle after all attempts. They are kept until somebody decides.",
    empty: "No dead letters. Nothing was given up.",
    emptyOf: "None with this status.",
    status: "Status",
    all: "all",
    statuses: { NEW: "open", REPLAYED: "replayed", DISCARDED: "discarded" } as Readonly<Record<string, string>>,
    when: "When",
    consumer: "Consumer",
    event: "Event",
    order: "Order",
    attempts: "Attempts",
    error: "Error",
    actions: "Actions",
    place: "Place in Kafka",
    show: "Show",
    hide: "Hide",
    plan: "Plan",
    replay: "Replay",
    discard: "Discard",
    sure: "Really discard?",
    keep: "Keep",
    more: "Older ones",
    unreadable: "not readable",
    record: "The record as it came",
    headers: "Headers",
    key: "Key",
    value: "Value",
    planTitle: "What a replay would meet",
    resolved: (who: string) => `by ${who}`,
    replayed: (consumer: string) => `Given back to ${consumer}; it is handled again.`,
    discarded: "Discarded. It stays to be read.",
    about: (event: string, consumer: string) => `${event} for ${consumer}`,
  },
  audit: {
    title: "Audit",
    hint: "Holds the whole database against its promises: was anything lost, done twice, or left undone?",
    run: "Run the audit",
    running: "The audit runs; it may take up to 30 seconds …",
    never: "Not run yet.",
    holds: "Everything holds: nothing lost, nothing done twice.",
    broken: (count: number) => (count === 1 ? "One promise is broken." : `${count} promises are broken.`),
    facts: (checks: string, rows: string, at: string) => `${checks} promises, ${rows} rows looked at, ${at}`,
    grace: (seconds: number) => `Work younger than ${seconds} s may be under way and is not judged.`,
    skipped: (names: string) => `Not looked at from here (run \`ordersys audit\`): ${names}`,
    list: "All promises",
    violations: (count: number) => `${count} broken`,
    kept: "kept",
    rows: (count: string) => `${count} rows`,
  },
};

export type Words = typeof en;
