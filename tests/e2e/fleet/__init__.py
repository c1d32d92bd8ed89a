"""Five replicas, a Redis that everything happens to, an authority that logs, and an oracle that knows the truth."""
