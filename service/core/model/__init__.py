"""The vocabulary of the core: frozen values, no behaviour beyond their own invariants."""
