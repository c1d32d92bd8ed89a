"""Tests of what a decision rests on, written down and decided again."""
