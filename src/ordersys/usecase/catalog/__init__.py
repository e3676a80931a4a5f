"""Looking for flights. Reads only: selling seats belongs to orders."""
