"""What operators see and switch while the system runs."""
