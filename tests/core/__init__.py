"""Tests of the pure core: no sockets, and a clock that stands still."""
