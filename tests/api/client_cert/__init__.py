"""Certificates in headers, as proxies hand them over."""
