"""This host: its data directory, its log and its traces."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.application.log_options import LogFormat, LogLevel
from service.application.tracing import Tracing
from service.settings.shown import DOCUMENTED, Shown
from service.settings.values import Number, Seconds, Whole, WrittenFile

MAX_ALLOWS_PER_S: Final = 1000
"""Lines of allows a second: a line takes some 60 µs, so that writing takes a sixteenth of a worker's time at most."""

DAY_S: Final = 86_400

MAX_DECISIONS_KEEP_S: Final = 366 * DAY_S
"""A year: records name people, and what a CRL said a year ago is nobody's question any more."""

MIN_DECISIONS_MB: Final = 16
"""A few batches of the largest records."""

MAX_DECISIONS_MB: Final = 65_536
"""64 GiB, some ten million denials: beyond that a listing takes too long."""


class Host(BaseModel):
    """This host: its data directory, its log and its traces."""

    model_config = DOCUMENTED

    data_dir: Annotated[Path, Shown("directory", "`$XDG_STATE_HOME/revet`")]
    """Where revocation evidence is kept; `~/.local/state/revet` where `XDG_STATE_HOME` is not set. On a local file
    system, for this user only, for one service: [rules](operations.md#the-data-directory)."""
    log_level: LogLevel = LogLevel.INFO
    """The least important events that are written."""
    log_format: LogFormat = LogFormat.AUTO
    """One JSON object a line, or lines for people; `auto` is `console` where standard error is a terminal."""
    log_allows_per_s: Annotated[Number, Field(ge=0, le=MAX_ALLOWS_PER_S)] = 1.0
    """[Allows that get a line](operations.md#decisions-in-the-log) in a second, of each worker; the next line says how
    many got none. 0 for none; with `REVET_LOG_LEVEL=debug` each has one."""
    tracing: Tracing = Tracing.OFF
    """Where [traces](tracing.md) go: `otlp` for a collector, which OpenTelemetry's own variables name. Needs the extra
    `otel`."""
    audit_log: WrittenFile | None = None
    """[Who has changed what](operations.md#the-audit-log), a JSON object a line, besides the log. Nothing is changed
    that cannot be written down there; blocks alone are added all the same."""
    decisions_keep_s: Annotated[Seconds, Field(ge=0, le=MAX_DECISIONS_KEEP_S)] = 7 * DAY_S
    """How long [a denial and what it rests on](operations.md#kept-decisions) are kept on this host (7 days). With 0
    none is, and those that were are removed."""
    decisions_max_mb: Annotated[Whole, Field(ge=MIN_DECISIONS_MB, le=MAX_DECISIONS_MB)] = 256
    """Size of their file in MiB; the oldest go first."""
    decisions_keep_allows: bool = False
    """Whether allows are kept as well."""
