"""The supervisor and its children, with real processes and real signals."""
