"""Benchmarks beside peers, in one run on one machine: figures of two runs say nothing about each other."""
