"""Tickets: a numbered seat on a flight for each seat of a paid order."""
