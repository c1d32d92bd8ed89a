"""The service over its life: it ends, reads its settings again and is replaced while requests come in."""
