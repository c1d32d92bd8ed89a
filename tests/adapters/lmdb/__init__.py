"""The pod's store."""
