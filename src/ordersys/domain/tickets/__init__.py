"""Tickets: one per seat of a paid order, each with a seat on board."""
