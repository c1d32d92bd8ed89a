"""Tests of CRL validation."""
