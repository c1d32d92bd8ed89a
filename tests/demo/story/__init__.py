"""Tests of the story: its parts, and the whole as a stranger runs it."""
