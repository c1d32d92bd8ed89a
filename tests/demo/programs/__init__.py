"""What the tests run: the demonstration with a stand-in for the service."""
