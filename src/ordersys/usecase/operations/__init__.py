"""Use cases of operators: backlog, lag, load."""
