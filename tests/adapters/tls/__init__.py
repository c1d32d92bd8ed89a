"""Tests of the service's own side of TLS."""
