/** GET /orders/{id}/workflow, under the names used here. */
import type { WorkflowView } from "../api/schema";

export type WaitingFor = NonNullable<WorkflowView["waiting_for"]>;
export type {
  WorkflowDeadLetter as DeadLetter,
  HistoryView as StatusChange,
  InboxView as InboxMark,
  OutboxView as OutboxRow,
  PaymentView as Payment,
  RetryView as Retry,
  TicketView as Ticket,
  WorkflowView as Workflow,
} from "../api/schema";
