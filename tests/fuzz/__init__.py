"""Fuzzing: its targets and what it starts from; what it has found stays found."""
