"""Redis, Valkey or ElastiCache, alone or as a cluster, as the cache that replicas share."""
