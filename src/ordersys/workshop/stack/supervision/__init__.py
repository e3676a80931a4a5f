"""Keeps a set of processes running; knows nothing of what they are."""
