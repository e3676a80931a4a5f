"""Logs, metrics and trace ids of a process."""
