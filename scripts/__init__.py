"""Programs that write generated files, and what the Makefile needs."""
