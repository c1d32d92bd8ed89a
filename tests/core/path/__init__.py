"""Tests of path building and validation."""
