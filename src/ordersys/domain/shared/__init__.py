"""Shared by all contexts: ids, money, errors, the event base type, the clock port."""
