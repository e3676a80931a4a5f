"""Servers outside of ordersys. The demo ones behave like real ones, faults included."""
