"""Places in S3, as moto serves it over HTTP."""
