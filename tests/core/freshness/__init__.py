"""Tests of `service.core.freshness`."""
