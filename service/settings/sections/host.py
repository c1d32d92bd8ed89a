"""This host: its data directory and its log."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from service.application.log_options import LogFormat, LogLevel
from service.settings.shown import DOCUMENTED, Shown
from service.settings.values import WrittenFile


class Host(BaseModel):
    """This host: its data directory and its log."""

    model_config = DOCUMENTED

    data_dir: Annotated[Path, Shown("directory", "`$XDG_STATE_HOME/revet`")]
    """Where revocation evidence is kept; `~/.local/state/revet` where `XDG_STATE_HOME` is not set. On a local file
    system, for this user only, for one service: [rules](operations.md#the-data-directory)."""
    log_level: LogLevel = LogLevel.INFO
    """The least important events that are written."""
    log_format: LogFormat = LogFormat.AUTO
    """One JSON object a line, or lines for people; `auto` is `console` where standard error is a terminal."""
    audit_log: WrittenFile | None = None
    """[Who has changed what](operations.md#the-audit-log), a JSON object a line, besides the log. Nothing is changed
    that cannot be written down there; blocks alone are added all the same."""
