"""Places on disks."""
