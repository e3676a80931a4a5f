"""Orders: what a customer bought and how far the purchase is."""
