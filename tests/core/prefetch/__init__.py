"""Tests of `service.core.prefetch`."""
