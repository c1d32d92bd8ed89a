"""The prefetcher."""
