"""Tests of `service.core.der`."""
