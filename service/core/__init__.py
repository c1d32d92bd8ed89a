"""The pure core: values in, decision out; no I/O, no clock, no log."""
