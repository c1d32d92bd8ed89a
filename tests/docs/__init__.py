"""Tests that keep `docs/` true."""
