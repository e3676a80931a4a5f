"""Adapters: one vendor per package. Nothing here decides anything about orders."""
