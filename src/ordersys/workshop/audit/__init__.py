"""The audit: checks that nothing was lost, duplicated, reordered or left unfinished."""
