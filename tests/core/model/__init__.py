"""Tests of `service.core.model`."""
