"""A stand-in for API Gateway on this machine: mutual TLS, an authorizer asked as there, and the same answers."""
