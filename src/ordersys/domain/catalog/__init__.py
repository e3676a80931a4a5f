"""Catalog: the flights on sale and the cities that they connect."""
