"""Entry points: HTTP, events and timers call use cases. No business rules, no SQL."""
