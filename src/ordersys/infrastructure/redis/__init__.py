"""Redis or Valkey: data that may be lost."""
