"""How much is logged, and in which form: the operator's choice."""

from enum import StrEnum


class LogLevel(StrEnum):
    """The least important events that are still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """What a line of the log looks like."""

    AUTO = "auto"
    """`console` where the log goes to a terminal, `json` elsewhere."""
    CONSOLE = "console"
    """For people, in colour on a terminal."""
    JSON = "json"
    """One JSON object a line."""
