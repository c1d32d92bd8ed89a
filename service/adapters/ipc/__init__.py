"""Between workers and the ingesting process, over a Unix socket that only this user can reach."""
