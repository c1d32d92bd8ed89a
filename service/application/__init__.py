"""Use cases: asynchronous, over small Protocols, without a framework."""
