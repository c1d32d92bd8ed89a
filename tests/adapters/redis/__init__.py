"""Tests of `service.adapters.redis`, against real servers wherever one can be had to do it."""
