"""Inventory and time to a plan of fetches."""
