"""What operators ask of a running service: what is held, how it does, and what is to be done now."""
