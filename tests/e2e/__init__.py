"""The service as a whole: real processes, real sockets, foreign certificate authorities."""
