"""From outside to the use cases: HTTP, events, timers. No rules, no SQL."""
