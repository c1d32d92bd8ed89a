"""What replicas share through Redis, and how little of it they believe."""
