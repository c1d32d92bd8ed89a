"""What the tests run: a service in miniature."""
