"""From events to use cases: `subscriptions` says which, `dispatch` does it."""
