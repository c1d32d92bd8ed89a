"""Between workers and the prefetcher, over a Unix socket that only this user can reach."""
