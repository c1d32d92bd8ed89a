"""Mutation testing: the core with one thing changed at a time, and whether a test of the core notices."""
