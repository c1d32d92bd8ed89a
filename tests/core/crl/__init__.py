"""Tests of `service.core.crl`."""
