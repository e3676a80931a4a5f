import { plural } from "../../locale/format";
import type { Lang } from "../../locale/lang";
import type { ReplayNote } from "../deadLetters";
import type { Metric } from "../rates";

export interface PointWords {
  title: string;
  what: string;
}

const METRICS: Readonly<Record<Metric, { title: string; unit: string }>> = {
  orders: { title: "Orders placed", unit: "per second" },
  published: { title: "Messages published", unit: "per second" },
  processed: { title: "Messages handled", unit: "per second" },
  lag: { title: "Consumer lag", unit: "messages" },
  pending: { title: "Pending in the outbox", unit: "messages" },
  oldest: { title: "Oldest in the outbox", unit: "seconds" },
  retries: { title: "Waiting for a retry", unit: "messages" },
  deadLetters: { title: "Open dead letters", unit: "messages" },
};

const POINTS: Readonly<Record<string, PointWords>> = {
  "publish.drop": {
    title: "Message lost on the way to Kafka",
    what: "The record is not sent. Its row stays in the outbox and is sent again.",
  },
  "publish.ack_lost": {
    title: "Kafka acknowledgement lost",
    what: "The record arrives, but the worker gets no acknowledgement and sends it again. The inbox discards the duplicate.",
  },
  "publish.duplicate": {
    title: "Message sent twice",
    what: "The inbox discards the duplicate.",
  },
  "publish.delay": {
    title: "Message delayed",
    what: "The record is sent 250 ms late. Later messages of the same order wait for it.",
  },
  "consume.fail": {
    title: "Service fails to handle a message",
    what: "It retries after 1, 2, 4 and 8 seconds. After five failures the message becomes a dead letter.",
  },
  "consume.crash": {
    title: "Service crashes while handling messages",
    what: "The process ends before it commits. Nothing is written, so the batch is delivered again.",
  },
  "database.blip": {
    title: "Database briefly unavailable",
    what: "A commit fails, or only its response is lost. Clients get a 503 and can retry with the same key.",
  },
  "gateway.timeout": {
    title: "Payment gateway does not respond",
    what: "The gateway does the work, but its response is lost. The retry uses the same key, so there is one charge.",
  },
  "airline.reject": {
    title: "Airline rejects the tickets",
    what: "This is a result, not a failure: the saga runs its compensation and releases the money.",
  },
};

const REPLAY_NOTES: Readonly<Record<ReplayNote, string>> = {
  fine: "Nothing prevents a replay. The consumer will get the message again.",
  handled: "The consumer has since handled this event, so a replay would change nothing.",
  forgotten: "The inbox may no longer remember an event this old. Check whether it was handled before you replay it.",
  late: "The consumer has already handled a later event of this order.",
  finished: "The order has since finished.",
};

export const en = {
  lang: "en" as Lang,
  locale: "en-GB",
  title: "Control room",
  intro: "See what the whole system is doing right now, and inject faults to test it.",
  metrics: METRICS,
  points: POINTS,
  replayNotes: REPLAY_NOTES,
  /** The API describes its invariants in English. */
  meanings: {} as Readonly<Record<string, string>>,
  rates: {
    title: "Live metrics",
    hint: "The last two minutes, updated every second.",
    unknown: "not available yet",
    scale: (top: string) => `full scale: ${top}`,
    lost: "The API is not responding, so these figures are not current. Retrying every second.",
    unknownServers: (names: string) => `No response from: ${names}. Figures that come from there are not shown.`,
    parked: (count: number) => `Parked in the outbox and no longer retried: ${count}. Run \`ordersys outbox list\`.`,
    byConsumer: "Lag by consumer",
    totals: (finished: string) => `${finished} orders finished so far`,
  },
  chaos: {
    title: "Fault injection",
    hint: "Each slider sets the probability of one fault. Whatever you choose, no order is lost. Run the audit below to check.",
    off: "Turn all off",
    reset: "Restore configuration",
    setBy: (who: string) => `set by ${who}`,
    configured: (rate: string) => `configured: ${rate}`,
    forbidden: "Fault injection is not available in production.",
    saved: (point: string, rate: string) => `${point} is set to ${rate}. All processes apply it within two seconds.`,
    allOff: "All faults are off.",
    allReset: "The configured rates apply again.",
  },
  load: {
    title: "Load generator",
    hint: "Lets the API place demo orders automatically, so that you can see the system at work.",
    rate: "Orders per second",
    seconds: "Duration in seconds",
    start: "Start",
    stop: "Stop",
    running: (rate: number, left: string) =>
      `${plural(rate, "en", ["order", "orders", "orders"])} per second, ${left} left`,
    idle: "No load is running.",
    last: (done: string) => `No load is running. Last run: ${done}.`,
    done: (accepted: string, failed: string) => `accepted ${accepted}, failed ${failed}`,
  },
  deadLetters: {
    title: "Dead letters",
    hint: "Messages that a service could not handle after all attempts. They stay here until you replay or discard them.",
    empty: "No open dead letters.",
    emptyOf: "No dead letters with this status.",
    status: "Status",
    all: "all",
    statuses: { NEW: "open", REPLAYED: "replayed", DISCARDED: "discarded" } as Readonly<Record<string, string>>,
    when: "Created",
    consumer: "Consumer",
    event: "Event",
    order: "Order",
    attempts: "Attempts",
    error: "Error",
    actions: "Actions",
    place: "Position in Kafka",
    show: "Show",
    hide: "Hide",
    plan: "Preview",
    replay: "Replay",
    discard: "Discard",
    sure: "Confirm discard",
    keep: "Keep",
    more: "Show older",
    unreadable: "unreadable",
    record: "Original record",
    headers: "Headers",
    key: "Key",
    value: "Value",
    planTitle: "Replay preview",
    resolved: (who: string) => `by ${who}`,
    replayed: (consumer: string) => `Replayed. ${consumer} will handle the message again.`,
    discarded: "Discarded. You can still view the record.",
    about: (event: string, consumer: string) => `${event} for ${consumer}`,
  },
  audit: {
    title: "Audit",
    hint: "Checks the whole database: was anything lost, done twice or left unfinished?",
    run: "Run audit",
    running: "The audit is running. It can take up to 30 seconds…",
    never: "Not run yet.",
    holds: "All invariants hold: nothing lost, nothing done twice.",
    broken: (count: number) => (count === 1 ? "1 invariant is violated." : `${count} invariants are violated.`),
    facts: (checks: string, rows: string, at: string) => `${checks} invariants, ${rows} rows checked, ${at}`,
    grace: (seconds: number) => `Work from the last ${seconds} s may still be in progress and is not checked.`,
    skipped: (names: string) => `Not checked here (run \`ordersys audit\`): ${names}`,
    list: "Invariants that hold",
    violations: (count: number) => plural(count, "en", ["violation", "violations", "violations"]),
    kept: "holds",
    rows: (count: string) => `${count} rows`,
  },
};

export type Words = typeof en;
