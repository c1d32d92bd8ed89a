"""Places on the disks of this host."""
