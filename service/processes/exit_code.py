"""The exit codes that mean something between the supervisor, its children and whoever started the service."""

from typing import Final

EXIT_STOPPED: Final = 0
"""Stopped because it was asked to."""

EXIT_LISTEN: Final = 2
"""The address to serve at could not be had."""

EXIT_ORPHANED: Final = 3
"""A child ended itself because its supervisor is gone."""

EXIT_CONFIGURATION: Final = 78
"""A child cannot run with these settings, and never will: it is not replaced, the whole service stops.

`EX_CONFIG` of sysexits.h.
"""
