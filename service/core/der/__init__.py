"""Strict readers from DER to the values of the model."""
