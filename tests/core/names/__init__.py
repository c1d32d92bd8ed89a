"""Tests of `service.core.names`."""
