"""The client's certificate as proxies hand it over: one header of a request to text of certificates, a file a format.

Nothing here reads a certificate or decides anything; what comes out goes the way of what `POST /v1/validate` is given.
"""
