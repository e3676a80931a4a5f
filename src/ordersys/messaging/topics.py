"""Public names on the wire. A topic is the configured prefix + the event's STREAM: `ordersys.` + `orders`."""

from typing import Final

ORDER_SERVICE: Final = "order-service"
PAYMENT_SERVICE: Final = "payment-service"
TICKET_SERVICE: Final = "ticket-service"

ORDERS: Final = "orders"
PAYMENTS: Final = "payments"
TICKETS: Final = "tickets"
DEAD_LETTERS: Final = "dlq"
STREAMS: Final = (ORDERS, PAYMENTS, TICKETS, DEAD_LETTERS)
DEAD_LETTERED: Final = "ordersys.DeadLettered.v1"
