"""Flight search. Read-only: seats are sold by the orders context."""
