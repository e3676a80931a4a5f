"""External services. The demo implementations behave like real ones, including their faults."""
