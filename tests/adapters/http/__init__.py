"""Tests of the egress guard and the HTTP origin. Nothing in them leaves the loopback interface."""
