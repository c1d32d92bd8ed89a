"""Traces by OpenTelemetry: what the extra `otel` is for, and nothing is imported of where it is not asked for."""
