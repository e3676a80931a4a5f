"""The messaging kernel: outbox, relay, inbox, consumer. Pure asyncio over ports, without vendor code."""
