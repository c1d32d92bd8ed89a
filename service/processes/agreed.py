"""What the supervisor and its children call things: apart from what children do, which a supervisor need not load.

A supervisor that loads no web framework is ready sooner, and takes less memory.
"""

from typing import Final

WORKER: Final = "worker"
"""A kind of child: answers requests."""

PREFETCHER: Final = "prefetcher"
"""A kind of child: fetches CRLs."""

HTTP_SOCKET: Final = "http"
"""Name of the socket that callers connect to."""

MANAGEMENT_SOCKET: Final = "management"
"""Name of the socket of the management port; passed on only where there is one."""

PREFETCHER_SOCKET: Final = "prefetcher"
"""Name of the listening socket that requests of workers come in at."""

PREFETCHER_PATH: Final = "_REVET_PREFETCHER_PATH"
"""Environment variable with the path of the prefetcher's socket."""
