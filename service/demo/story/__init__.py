"""The story of a revocation, from 204 to 403, through every front door: what `revet demo` tells."""
