"""Fuzzing: octets that nobody has thought of, steered by coverage, against the readers and against the verdict."""
