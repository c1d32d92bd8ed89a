"""The service's own side of TLS: its certificate, and whose certificates it asks for."""
