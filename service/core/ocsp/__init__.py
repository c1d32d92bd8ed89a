"""OCSP (RFC 6960, RFC 5019): request, responder, response."""
