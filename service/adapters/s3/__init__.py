"""Places in S3 and in what speaks its language; needs the extra `aws`."""
