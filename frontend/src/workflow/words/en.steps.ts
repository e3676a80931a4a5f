/** What a step was, and why there is such a step. */
export interface Step {
  what: string;
  why: string;
}

/** By event: it was written to the outbox. */
export const WRITTEN: Readonly<Record<string, Step>> = {
  OrderCreated: {
    what: "The API wrote four things in one database commit: the order, its seats, your Idempotency-Key, and the message OrderCreated in the outbox table. Only then did it respond with 201.",
    why: "If the API sent the message to Kafka itself, a crash in between would leave an order without a message, or a message about an order that does not exist. With one commit, either everything is written or nothing.",
  },
  PaymentAuthorized: {
    what: "The gateway holds the money. payment-service wrote this result and the message PaymentAuthorized in one commit.",
    why: "Every service has the same outbox. No result is recorded without its message, and no message is sent for a result that was not recorded.",
  },
  PaymentDeclined: {
    what: "The gateway declined the payment. payment-service wrote the refusal and the message PaymentDeclined in one commit.",
    why: "The same request would get the same response, so this is a result and not a failure to retry. The saga continues with compensation.",
  },
  TicketIssued: {
    what: "ticket-service assigned a ticket number and a place on board to every seat, and wrote the message TicketIssued in the same commit.",
    why: "Tickets are issued for all seats or for none. Half an order is of no use.",
  },
  TicketRejected: {
    what: "The airline issues no tickets for this order. ticket-service recorded the refusal together with the message TicketRejected.",
    why: "The money is already held and must be released. There is no coordinator: payment-service and order-service each react to this message in their own way.",
  },
  OrderCancelled: {
    what: "The order was cancelled. Its seats are free again and the message OrderCancelled is in the outbox, all in one commit.",
    why: "Payment and tickets may be in progress at this moment. Each service undoes its own work when the message arrives, and starts nothing new for this order.",
  },
  RefundRequested: {
    what: "You requested a refund. The order is REFUND_PENDING, and the message RefundRequested is in the outbox.",
    why: "The tickets are voided before the money is returned. In the other order, a passenger could fly for free.",
  },
  TicketVoided: {
    what: "All tickets of the order are void and their places are free. ticket-service wrote the message TicketVoided in the same commit.",
    why: "payment-service waits for this message: now the money can be returned.",
  },
  PaymentVoided: {
    what: "The gateway released the money that it held. payment-service recorded this with the message PaymentVoided.",
    why: "The card was never charged, so there is nothing to pay back.",
  },
  PaymentRefunded: {
    what: "The gateway refunded the money. payment-service recorded this with the message PaymentRefunded.",
    why: "The order ends as it should: no tickets and no charge.",
  },
};

/** By consumer and event. */
export const HANDLED: Readonly<Record<string, Step>> = {
  "payment-service OrderCreated": {
    what: "payment-service marked the message in its inbox and recorded that it must call the gateway, in one commit. Then it made the call.",
    why: "Services make no calls while they handle a message, because a slow gateway would hold up all other orders. The intent is in the database, so a crash cannot lose it.",
  },
  "payment-service TicketIssued": {
    what: "payment-service learned that the tickets exist, and asks the gateway to capture the held money.",
    why: "Money is captured only after the tickets are issued. Until then it is only held.",
  },
  "payment-service TicketRejected": {
    what: "payment-service learned that there are no tickets, and asks the gateway to release the money.",
    why: "This is compensation: a finished step is undone by another step, because no transaction spans all services that could be rolled back.",
  },
  "payment-service OrderCancelled": {
    what: "payment-service received the cancellation. Money that the gateway holds is released, and no new payment is requested.",
    why: "The message can arrive before or after the payment. In both cases the order ends without a charge.",
  },
  "payment-service TicketVoided": {
    what: "payment-service learned that the tickets are void, and asks the gateway to refund the money.",
    why: "The call uses the same key as before, the order id, so the money cannot be refunded twice.",
  },
  "ticket-service PaymentAuthorized": {
    what: "ticket-service learned that the money is held, and requested tickets from the airline.",
    why: "The inbox mark and the tickets are in one commit. If the message comes again, the mark exists and no second ticket is issued.",
  },
  "ticket-service OrderCancelled": {
    what: "ticket-service received the cancellation: existing tickets are voided and no new ones will be issued.",
    why: "A late authorization must not lead to a ticket for a cancelled order.",
  },
  "ticket-service RefundRequested": {
    what: "ticket-service voided the tickets and freed their places on board.",
    why: "This is the first half of a refund. The money follows when this is committed.",
  },
  "order-service PaymentAuthorized": {
    what: "order-service learned that the money is held.",
    why: "The status of the order follows the messages. No service polls another one.",
  },
  "order-service PaymentDeclined": {
    what: "order-service learned that the payment was declined. The order is cancelled and its seats are free again.",
    why: "The seats were held from the first commit on. Releasing them is the compensation.",
  },
  "order-service TicketIssued": {
    what: "order-service learned that the tickets exist.",
    why: "With tickets issued and money held, the purchase is complete for you. You need not wait until the money is captured.",
  },
  "order-service TicketRejected": {
    what: "order-service received the refusal of the airline. The order is cancelled and its seats are free again.",
    why: "payment-service reads the same message independently and releases the money. Neither service waits for the other.",
  },
  "order-service PaymentVoided": {
    what: "order-service learned that the money was released.",
    why: "If the order were still open, it would be cancelled now. If it is cancelled already, nothing changes.",
  },
  "order-service PaymentRefunded": {
    what: "order-service learned that the money was refunded.",
    why: "The tickets are void and the money is back, so the order can be closed.",
  },
};
