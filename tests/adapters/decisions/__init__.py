"""Tests of the records of decisions on a disk."""
