"""Tests of service/adapters/ipc."""
