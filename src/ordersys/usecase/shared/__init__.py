"""What the use cases of several contexts share."""
