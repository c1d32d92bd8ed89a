"""Tests of `service.core.path`."""
