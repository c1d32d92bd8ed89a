"""Tests of the settings: real files, and an environment made by each test."""
