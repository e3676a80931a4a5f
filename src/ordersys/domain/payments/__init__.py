"""Payments: one per order, authorized by an external gateway."""
