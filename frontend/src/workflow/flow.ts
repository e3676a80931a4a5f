/** GET /orders/{id}/workflow, under the names by which it is spoken of here. */
export type {
  WorkflowDeadLetter as DeadLetter,
  HistoryView as StatusChange,
  InboxView as InboxMark,
  OutboxView as OutboxRow,
  PaymentView as Payment,
  RetryView as Retry,
  TicketView as Ticket,
  WaitingFor,
  WorkflowView as Workflow,
} from "../api/schema";
