"""A demonstration PKI with live CRLs and a foreign OCSP responder."""
