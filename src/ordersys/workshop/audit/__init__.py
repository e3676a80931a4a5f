"""The audit: was anything lost, done twice, done in the wrong order, or left undone?"""
