"""Work that is triggered by time, not by a call."""
