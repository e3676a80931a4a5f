"""Outbox, relay, inbox, consumer: how events travel. Pure asyncio over ports; no vendor is known here."""
