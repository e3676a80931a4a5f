"""What can go wrong before a server runs. The message says what is missing and how to get it."""


class EmbeddedError(Exception):
    """A server cannot be prepared or started on this machine."""
