"""The Lambda authorizer: its answers, and whatever a service and a network can do to it."""
