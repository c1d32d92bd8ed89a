"""The sidecar: real nginx under its entry point, between real clients, a real service and an application."""
