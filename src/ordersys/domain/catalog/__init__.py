"""Catalog: the flights that can be bought, and the cities they join."""
