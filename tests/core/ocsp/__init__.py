"""Tests of `service.core.ocsp`."""
