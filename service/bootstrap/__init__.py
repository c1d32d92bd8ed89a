"""The composition root: the only package that puts concrete adapters behind the application's ports.

Three compositions: a worker, the prefetcher, and both in one for the command line, which asks without a service.
"""
