"""The stand-in for API Gateway."""
