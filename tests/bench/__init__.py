"""Benchmarks: that they measure what they say; never how long anything takes."""
