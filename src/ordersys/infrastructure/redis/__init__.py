"""Redis, or Valkey: what may be lost."""
