"""Mutation testing: what is changed, what is left alone, and what becomes of a mutant."""
