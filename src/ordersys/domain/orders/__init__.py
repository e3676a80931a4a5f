"""Orders: what a customer bought, and the status of the purchase."""
