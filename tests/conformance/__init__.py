"""Questions with the answers that the standards give, asked of the core and of the interface."""
