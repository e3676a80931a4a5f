/** What a step was, and why there is such a step. */
export interface Step {
  what: string;
  why: string;
}

/** By event: it was written to the outbox. */
export const WRITTEN: Readonly<Record<string, Step>> = {
  OrderCreated: {
    what: "The API wrote four things in one database commit: the order, its seats, your Idempotency-Key, and the message OrderCreated in the outbox table. Only then did it answer 201.",
    why: "Had the API sent the message to Kafka itself, a crash between the two would leave an order nobody hears of, or a message about an order that does not exist. One commit holds both, so either all of it happened or none.",
  },
  PaymentAuthorized: {
    what: "The gateway holds the money. payment-service wrote this answer and the message PaymentAuthorized in one commit.",
    why: "Every service has the same outbox: no answer is recorded without its message, and no message goes out for an answer that was not recorded.",
  },
  PaymentDeclined: {
    what: "The gateway will not take the money. payment-service wrote the refusal and the message PaymentDeclined in one commit.",
    why: "Asking again would give the same answer, so this is no failure to retry but a result. From here the saga takes the way back.",
  },
  TicketIssued: {
    what: "ticket-service gave every seat a ticket number and a place on board, and wrote the message TicketIssued in the same commit.",
    why: "All seats or none: half an order would be of no use to anybody.",
  },
  TicketRejected: {
    what: "The airline gives no tickets for this order. ticket-service wrote that down together with the message TicketRejected.",
    why: "The money is already held, so somebody has to give it back. Nobody directs this: payment-service and order-service each know what this message means for them.",
  },
  OrderCancelled: {
    what: "The order was cancelled: its seats are free again, and the message OrderCancelled stands in the outbox, all in one commit.",
    why: "Payment and tickets may be under way at this very moment. Whoever has something to undo undoes it when the message arrives, and what comes later than the message is never made.",
  },
  RefundRequested: {
    what: "You gave a completed purchase back. The order is REFUND_PENDING, and the message RefundRequested stands in the outbox.",
    why: "First the tickets are made void, then the money goes back. The other way round somebody could fly for free.",
  },
  TicketVoided: {
    what: "All tickets of the order are void and their places free. ticket-service wrote the message TicketVoided in the same commit.",
    why: "This is the sign that payment-service waits for: now the money may go back.",
  },
  PaymentVoided: {
    what: "The gateway released the money that it had held. payment-service recorded it with the message PaymentVoided.",
    why: "Nothing was ever taken from the card, so there is nothing to pay back.",
  },
  PaymentRefunded: {
    what: "The gateway gave the money back. payment-service recorded it with the message PaymentRefunded.",
    why: "The order ends as it should: no tickets, no money taken.",
  },
};

/** By consumer and event. */
export const HANDLED: Readonly<Record<string, Step>> = {
  "payment-service OrderCreated": {
    what: "payment-service noted the message in its inbox and wrote down that the gateway has to be asked, in one commit. Then it asked.",
    why: "Nobody is called while a message is being handled: a slow gateway would hold up all other orders. The intent is in the database, so a crash cannot lose it.",
  },
  "payment-service TicketIssued": {
    what: "payment-service learned that the tickets exist and tells the gateway to take the money that it holds.",
    why: "Money is taken only after the tickets were issued. Until then it was merely held.",
  },
  "payment-service TicketRejected": {
    what: "payment-service learned that there are no tickets and has the gateway release the money.",
    why: "This is compensation: a step that was done is undone by another step, as there is no big transaction over all services that could be rolled back.",
  },
  "payment-service OrderCancelled": {
    what: "payment-service learned of the cancellation. What the gateway holds is released; what was not requested yet never will be.",
    why: "The message may overtake the payment or come after it. In both cases the order ends without a charge.",
  },
  "payment-service TicketVoided": {
    what: "payment-service learned that the tickets are void and has the gateway give the money back.",
    why: "The gateway is asked with the same key as before, the order's id, so the money cannot go back twice.",
  },
  "ticket-service PaymentAuthorized": {
    what: "ticket-service learned that the money is held, and asked the airline for tickets.",
    why: "The inbox mark and the tickets are one commit. If the same message comes again, the mark is there and no second ticket is made.",
  },
  "ticket-service OrderCancelled": {
    what: "ticket-service learned of the cancellation: tickets that exist become void, and none will be issued any more.",
    why: "A payment that is authorized late must not lead to a ticket for a cancelled order.",
  },
  "ticket-service RefundRequested": {
    what: "ticket-service made the tickets void and their places on board free.",
    why: "The first half of a refund. The money follows when this is certain.",
  },
  "order-service PaymentAuthorized": {
    what: "order-service learned that the money is held.",
    why: "The order's status follows the messages. Nobody asks the other services how far they are.",
  },
  "order-service PaymentDeclined": {
    what: "order-service learned that the payment was declined: the order is cancelled and its seats are free again.",
    why: "The seats were held from the first commit on; giving them back is the compensation for it.",
  },
  "order-service TicketIssued": {
    what: "order-service learned that the tickets exist.",
    why: "Tickets are there and the money is held, so the purchase is complete for you. Taking the money needs nobody to wait.",
  },
  "order-service TicketRejected": {
    what: "order-service learned that the airline refused: the order is cancelled and its seats are free again.",
    why: "payment-service reads the same message on its own and releases the money. Neither waits for the other.",
  },
  "order-service PaymentVoided": {
    what: "order-service learned that the money was released.",
    why: "If the order were still open it would be cancelled now. If it is already, nothing is left to change.",
  },
  "order-service PaymentRefunded": {
    what: "order-service learned that the money is back.",
    why: "Tickets void, money returned: the order can be closed.",
  },
};
