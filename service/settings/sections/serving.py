"""Where the service listens, with how many processes, and how they end."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.shown import DOCUMENTED, Shown
from service.settings.values import Host, Port, Seconds, Whole

MAX_WORKERS: Final = 256
"""Worker processes at most: more cores than any machine on offer gives to one service; each costs 60 MB or more."""

MAX_CONNECTIONS: Final = 1_000_000
"""Connections of one worker at most: as many files as Linux allows one process to open by default (fs.nr_open)."""

MIN_CONNECTIONS: Final = 16
"""Connections of one worker at least: those of some proxies, and of whoever looks after the service."""

MAX_EVENT_STREAMS: Final = 4_096
"""Streams of events of one worker at most: as many as it has connections by default."""

MAX_HEAD_TIMEOUT_S: Final = 600
"""Ten minutes for the head of a request: ten times what nginx gives one (client_header_timeout)."""

MAX_PROCESS_WAIT_S: Final = 3_600
"""An hour, for the patience with processes that end or hang."""


class Serving(BaseModel):
    """Where the service listens, with how many processes, and how they end."""

    model_config = DOCUMENTED

    host: Host = "127.0.0.1"
    """Where the API listens. On anything but loopback the service wants tokens or a client CA. `::` takes IPv4 too."""
    port: Port = 8080
    """Port of the API; 0 lets the kernel choose one."""
    workers: Annotated[Whole, Field(ge=1, le=MAX_WORKERS), Shown(default="one per core")] = 1
    """Processes that answer requests. The default counts the cores that affinity and control groups allow, a share of
    one not counted."""
    max_connections: Annotated[Whole, Field(ge=MIN_CONNECTIONS, le=MAX_CONNECTIONS)] = 4096
    """Connections of one worker at one time. [More wait](operations.md#connections) until one ends, or another worker
    takes them. Fewer where the hard limit on open files leaves fewer."""
    max_event_streams: Annotated[Whole, Field(ge=0, le=MAX_EVENT_STREAMS)] = 32
    """Streams of [events](api.md#events) of one worker at one time, which is one for each open dashboard; never more
    than half of its connections. Whoever finds none free asks for the statistics every few seconds instead; with 0
    everybody does."""
    # Between Apache httpd's 20 to 40 s (mod_reqtimeout) and nginx's 60 s.
    head_timeout_s: Annotated[Seconds, Field(gt=0, le=MAX_HEAD_TIMEOUT_S)] = 30.0
    """How long request line and headers may take from their first octet on, and a handshake of TLS."""
    management_host: Host | None = None
    """Where the management port listens; `REVET_HOST` where absent."""
    management_port: Port | None = None
    """`/healthz`, `/readyz` and `/metrics` on a port of their own, plain HTTP, no token, no client certificate.
    Without it they are on the main port."""
    drain_s: Annotated[Seconds, Field(ge=0, le=MAX_PROCESS_WAIT_S)] = 3.0
    """How long `/readyz` says 503 after SIGTERM, and requests are answered, before connections are refused. Longer
    than whoever balances load takes to notice. Ctrl-C does not wait for it."""
    shutdown_grace_s: Annotated[Seconds, Field(ge=0, le=MAX_PROCESS_WAIT_S)] = 10.0
    """How long requests under way may take after that before they are killed."""
    hang_after_s: Annotated[Seconds, Field(ge=1, le=MAX_PROCESS_WAIT_S)] = 10.0
    """A process that is silent for longer is killed and replaced."""
