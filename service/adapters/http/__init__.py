"""Fetching from certificate authorities through the egress guard."""
