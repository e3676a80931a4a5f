"""Use cases, one verb per file. A write use case takes a sequence of commands and runs one transaction for all."""
