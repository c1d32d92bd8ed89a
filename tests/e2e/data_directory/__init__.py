"""The data directory over its life: older versions, faults of the disk, other users of it."""
