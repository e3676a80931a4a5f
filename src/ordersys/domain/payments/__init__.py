"""Payments: one per order, authorized by a gateway outside."""
