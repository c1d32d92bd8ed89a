"""Tests of `service.core.decision`."""
