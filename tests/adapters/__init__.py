"""Tests of the adapters, against real peers on this host."""
