/** Made by scripts/page_api.py from the OpenAPI document; `make page-api` makes it anew. */
export interface AwaitingEvent {
  kind: "awaiting_event";
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface AwaitingGateway {
  kind: "awaiting_gateway";
  call: "authorize" | "capture" | "release";
  status: string;
  attempts: number;
  error: string | null;
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface AwaitingHandler {
  kind: "awaiting_handler";
  consumer: string;
  event: string;
  event_id: string;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface Chaos {
  allowed: boolean;
  points: readonly (FaultPointState)[];
}

export interface DeadLetterContent {
  letter: DeadLetterView;
  key: string | null;
  value: string | null;
  headers: Readonly<Record<string, string>>;
}

export interface DeadLetterPage {
  items: readonly (DeadLetterView)[];
  next_cursor: string | null;
}

export type DeadLetterStatus = "NEW" | "REPLAYED" | "DISCARDED";

export interface DeadLetterView {
  id: string;
  consumer: string;
  event_id: string | null;
  order_id: string | null;
  type: string | null;
  topic: string;
  partition: number;
  offset: number;
  attempts: number;
  error: string;
  status: DeadLetterStatus;
  created_at: string;
  resolved_at: string | null;
  resolved_by: string | null;
}

export interface DemoBody {
  user?: string | null;
  role?: "customer" | "operator";
}

export interface DemoToken {
  token: string;
  user: string;
  role: "customer" | "operator";
  expires_at: string;
}

export interface Example {
  subject: string;
  reason: string;
}

export interface FaultPointState {
  point: string;
  configured: number;
  effective: number;
  set_by: string | null;
  set_at: string | null;
  strikes: number;
}

export interface Finding {
  name: string;
  meaning: string;
  checked: number;
  violations: number;
  examples: readonly (Example)[];
}

export interface Flaw {
  message: string;
  key?: string;
  source?: string;
}

export interface Flight {
  id: string;
  airline: string;
  number: string;
  from: string;
  to: string;
  departs_at: string;
  arrives_at: string;
  price: Money;
  seats_left: number;
}

export interface FlightList {
  items: readonly (Flight)[];
}

export interface Forecast {
  letter: DeadLetterView;
  handled: boolean;
  older_than_inbox: boolean;
  order_finished: boolean;
  after_later_event: boolean;
}

export interface HistoryView {
  from_status: string | null;
  to_status: string;
  at: string;
  reason: string | null;
  event_id: string | null;
}

export interface InboxView {
  consumer: string;
  event_id: string;
  type: string;
  status: string;
  attempts: number;
  processed_at: string | null;
}

export interface ItemBody {
  flight_id: string;
  seats: number;
}

export interface ItemView {
  flight_id: string;
  seats: number;
  unit_price: Money;
}

export interface KeptMessages {
  consumer: string;
  waiting: number;
  next_at: string | null;
}

export interface Lag {
  at: string;
  outbox: OutboxBacklog;
  consumers: readonly (PartitionLag)[];
  retries: readonly (KeptMessages)[];
  dead_letters: readonly (OpenDeadLetters)[];
  totals: Totals;
  unknown: readonly (string)[];
}

export interface Liveness {
  role: string;
  status: "live";
}

export interface LoadBody {
  rate: number;
  seconds: number;
}

export interface LoadState {
  running: boolean;
  rate: number | null;
  seconds: number | null;
  started_at: string | null;
  ends_at: string | null;
  accepted: number;
  failed: number;
  error: string | null;
}

export interface Money {
  amount: number;
  currency: string;
}

export interface MoneyBody {
  amount: number;
  currency: string;
}

export interface OpenDeadLetters {
  consumer: string;
  open: number;
}

export interface OrderBody {
  items: readonly (ItemBody)[];
  payment_method?: string;
  expected_total?: MoneyBody | null;
}

export interface OrderPage {
  items: readonly (OrderView)[];
  next_cursor: string | null;
}

export interface OrderView {
  id: string;
  status: string;
  items: readonly (ItemView)[];
  total: Money;
  created_at: string;
  updated_at: string;
  reason: string | null;
  payment: PaymentView | null;
  tickets: readonly (TicketView)[];
}

export interface OutboxBacklog {
  pending: number;
  oldest_pending_seconds: number;
  parked: number;
}

export interface OutboxParked {
  kind: "outbox_parked";
  event: string;
  event_id: string;
  id: number;
  attempts: number;
  error: string | null;
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface OutboxPending {
  kind: "outbox_pending";
  event: string;
  event_id: string;
  id: number;
  attempts: number;
  error: string | null;
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface OutboxView {
  id: number;
  event_id: string;
  type: string;
  producer: string;
  occurred_at: string;
  status: string;
  attempts: number;
  correlation_id: string;
  causation_id: string;
  published_at: string | null;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  next_attempt_at: string | null;
  last_error: string | null;
}

export interface PartitionLag {
  consumer: string;
  topic: string;
  partition: number;
  lag: number;
}

export interface PaymentView {
  status: string;
  method: string;
  amount: Money;
  attempts: number;
  awaiting: "authorize" | "capture" | "release" | null;
  outcome: "captured" | "released" | null;
  authorization_id: string | null;
  reason: string | null;
  next_attempt_at: string | null;
  last_error: string | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  errors?: readonly (Flaw)[];
}

export interface RatesBody {
  rates: Readonly<Record<string, number | null>>;
}

export interface Readiness {
  status: "ready" | "not ready";
  role: string;
  checks: Readonly<Record<string, boolean>>;
  draining: boolean;
}

export interface ReasonBody {
  reason: string;
}

export interface RetryView {
  consumer: string;
  event_id: string;
  type: string;
  attempts: number;
  next_attempt_at: string;
  error: string;
}

export interface Retrying {
  kind: "retrying";
  consumer: string;
  event: string;
  event_id: string;
  attempts: number;
  error: string;
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface TicketView {
  number: string;
  flight_id: string;
  seat: string;
  status: string;
}

export interface Totals {
  orders: number;
  published: number;
  processed: number;
  finished: number | null;
}

export interface UnresolvedDeadLetter {
  kind: "dead_letter";
  consumer: string;
  event: string | null;
  event_id: string | null;
  id: string;
  attempts: number;
  error: string;
  until: string | null;
  action: "check_status" | "unpark" | "replay_dead_letter" | "audit" | null;
}

export interface Verdict {
  holds: boolean;
  at: string;
  grace_seconds: number;
  findings: readonly (Finding)[];
  facts: Readonly<Record<string, number>>;
  skipped: readonly (string)[];
}

export interface WorkflowDeadLetter {
  id: string;
  consumer: string;
  event_id: string | null;
  type: string | null;
  status: string;
  attempts: number;
  error: string;
  created_at: string;
}

export interface WorkflowView {
  order: OrderView;
  payment: PaymentView | null;
  tickets: readonly (TicketView)[];
  outbox: readonly (OutboxView)[];
  inbox: readonly (InboxView)[];
  history: readonly (HistoryView)[];
  retries: readonly (RetryView)[];
  dead_letters: readonly (WorkflowDeadLetter)[];
  waiting_for: OutboxPending | OutboxParked | AwaitingHandler | Retrying | UnresolvedDeadLetter | AwaitingGateway | AwaitingEvent | null;
}

/** By operationId. */
export interface Operations {
  cancelOrder: {
    path: { order_id: string };
    body: ReasonBody;
    answer: OrderView;
  };
  changeChaos: {
    body: RatesBody;
    answer: Chaos;
  };
  demoToken: {
    body: DemoBody;
    answer: DemoToken;
  };
  discardDeadLetter: {
    path: { dead_letter_id: string };
    answer: DeadLetterContent;
  };
  getAudit: {
    answer: Verdict;
  };
  getDeadLetter: {
    path: { dead_letter_id: string };
    answer: DeadLetterContent;
  };
  getFlight: {
    path: { flight_id: string };
    answer: Flight;
  };
  getLag: {
    answer: Lag;
  };
  getOrder: {
    path: { order_id: string };
    answer: OrderView;
  };
  getWorkflow: {
    path: { order_id: string };
    answer: WorkflowView;
  };
  listDeadLetters: {
    query: { status?: DeadLetterStatus | null; consumer?: string; cursor?: string; limit?: number };
    answer: DeadLetterPage;
  };
  listOrders: {
    query: { status?: "CREATED" | "PAYMENT_AUTHORIZED" | "COMPLETED" | "CANCELLED" | "REFUND_PENDING" | "REFUNDED"; cursor?: string; limit?: number };
    answer: OrderPage;
  };
  live: {
    answer: Liveness;
  };
  placeOrder: {
    header: { "Idempotency-Key": string };
    body: OrderBody;
    answer: OrderView;
  };
  planDeadLetter: {
    path: { dead_letter_id: string };
    answer: Forecast;
  };
  ready: {
    answer: Readiness;
  };
  refundOrder: {
    path: { order_id: string };
    body: ReasonBody;
    answer: OrderView;
  };
  replayDeadLetter: {
    path: { dead_letter_id: string };
    answer: DeadLetterContent;
  };
  searchFlights: {
    query: { from: string; to: string; date: string };
    answer: FlightList;
  };
  showChaos: {
    answer: Chaos;
  };
  showLoad: {
    answer: LoadState;
  };
  startLoad: {
    body: LoadBody;
    answer: LoadState;
  };
  stopLoad: {
    answer: LoadState;
  };
  watchOrder: {
    path: { order_id: string };
    answer: string;
  };
}

export const ROUTES = {
  cancelOrder: { method: "POST", path: "/orders/{order_id}/cancel", secured: true },
  changeChaos: { method: "PUT", path: "/ops/chaos", secured: true },
  demoToken: { method: "POST", path: "/auth/demo", secured: false },
  discardDeadLetter: { method: "POST", path: "/ops/dlq/{dead_letter_id}/discard", secured: true },
  getAudit: { method: "GET", path: "/ops/audit", secured: true },
  getDeadLetter: { method: "GET", path: "/ops/dlq/{dead_letter_id}", secured: true },
  getFlight: { method: "GET", path: "/flights/{flight_id}", secured: false },
  getLag: { method: "GET", path: "/ops/lag", secured: true },
  getOrder: { method: "GET", path: "/orders/{order_id}", secured: true },
  getWorkflow: { method: "GET", path: "/orders/{order_id}/workflow", secured: true },
  listDeadLetters: { method: "GET", path: "/ops/dlq", secured: true },
  listOrders: { method: "GET", path: "/orders", secured: true },
  live: { method: "GET", path: "/health/live", secured: false },
  placeOrder: { method: "POST", path: "/orders", secured: true },
  planDeadLetter: { method: "GET", path: "/ops/dlq/{dead_letter_id}/plan", secured: true },
  ready: { method: "GET", path: "/health/ready", secured: false },
  refundOrder: { method: "POST", path: "/orders/{order_id}/refund", secured: true },
  replayDeadLetter: { method: "POST", path: "/ops/dlq/{dead_letter_id}/replay", secured: true },
  searchFlights: { method: "GET", path: "/flights", secured: false },
  showChaos: { method: "GET", path: "/ops/chaos", secured: true },
  showLoad: { method: "GET", path: "/ops/load", secured: true },
  startLoad: { method: "PUT", path: "/ops/load", secured: true },
  stopLoad: { method: "DELETE", path: "/ops/load", secured: true },
  watchOrder: { method: "GET", path: "/orders/{order_id}/events", secured: true },
} as const satisfies Record<keyof Operations, { method: string; path: string; secured: boolean }>;
