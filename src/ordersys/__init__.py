"""ordersys: a resilient, event-driven order system (a choreography saga over PostgreSQL, Kafka and Redis)."""

__version__ = "0.1.0"
