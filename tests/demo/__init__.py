"""Tests of the demonstration: against OpenSSL and curl, over real sockets."""
