/** GET /orders/{id}/workflow. */
export interface Money {
  amount: number;
  currency: string;
}

export interface Payment {
  status: string;
  method: string;
  amount: Money;
  attempts: number;
  authorization_id: string | null;
  reason: string | null;
  next_attempt_at: string | null;
  last_error: string | null;
}

export interface Ticket {
  number: string;
  flight_id: string;
  seat: string;
  status: string;
}

export interface OutboxRow {
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

export interface InboxMark {
  consumer: string;
  event_id: string;
  type: string;
  status: string;
  attempts: number;
  processed_at: string | null;
}

export interface StatusChange {
  from_status: string | null;
  to_status: string;
  at: string;
  reason: string | null;
  event_id: string | null;
}

export interface Retry {
  consumer: string;
  event_id: string;
  type: string;
  attempts: number;
  next_attempt_at: string;
  error: string;
}

export interface DeadLetter {
  id: string;
  consumer: string;
  event_id: string | null;
  type: string | null;
  status: string;
  attempts: number;
  error: string;
  created_at: string;
}

export interface WaitingFor {
  what: string;
  where: string;
  until: string | null;
  command: string | null;
}

export interface Order {
  id: string;
  status: string;
  items: readonly { flight_id: string; seats: number; unit_price: Money }[];
  total: Money;
  created_at: string;
  updated_at: string;
  reason: string | null;
  payment: Payment | null;
  tickets: readonly Ticket[];
}

export interface Workflow {
  order: Order;
  payment: Payment | null;
  tickets: readonly Ticket[];
  outbox: readonly OutboxRow[];
  inbox: readonly InboxMark[];
  history: readonly StatusChange[];
  retries: readonly Retry[];
  dead_letters: readonly DeadLetter[];
  waiting_for: WaitingFor | null;
}
