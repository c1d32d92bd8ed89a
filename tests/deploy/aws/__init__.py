"""Tests of the templates for AWS: linted, and created at moto's server."""
