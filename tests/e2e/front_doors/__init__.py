"""Clients with certificates at every door: real TLS, real curl, real processes."""
