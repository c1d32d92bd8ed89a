"""The log: where it goes, and what the composition itself tells there."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from service.adapters.audit_file import AuditFile
from service.adapters.audit_log import AuditedEvents
from service.adapters.clock import SystemClock
from service.adapters.logs import configure_logs
from service.core.model.policy import RevocationMode
from service.settings import Settings
from service.settings.model import setting

_SUPERVISOR_LEVELS = {
    "child_died": logging.WARNING,
    "child_hung": logging.WARNING,
    "child_start_failed": logging.ERROR,
    "reload_refused": logging.ERROR,
    "reload_failed": logging.ERROR,
}
"""What of a child's life is more than information."""


GOOD_KEY_LENGTH: Final = 32
"""Characters of a fleet key: 32 random ones of hexadecimal digits are 128 bits."""

_WITHOUT_KEY: Final = (
    "whoever can write to Redis can block any certificate on every replica, make replicas ask authorities again and "
    "again, and hand them an older CRL or OCSP answer that is still current and of which this host has not seen a "
    "successor; he cannot remove a block or make up an answer. Removals of blocks do not spread without a key"
)

_SHORT_KEY: Final = "whoever reads Redis can try keys at his leisure; openssl rand -hex 32 makes a good one"


def configure_logging(settings: Settings) -> None:
    """Send the log where the settings say. To be called once in a process, before anything is logged."""
    path = settings.audit_log
    audited = None if path is None else AuditedEvents(AuditFile(path), SystemClock())
    configure_logs(settings.log_level, settings.log_format, audited=audited)


def warn_of_rules(settings: Settings) -> None:
    """Log which rules for issuers ask for more and can be sidestepped. To be called once, by the supervisor.

    A rule that a key identifier alone ties to its issuer does not match another certificate of the same issuer with
    another identifier, and whoever asks chooses which one he presents.
    """
    log = structlog.get_logger("revet.settings")
    for rule in settings.policy().issuer_rules:
        tied = rule.match.name is not None or rule.match.spki is not None
        if not tied and rule.revocation_mode in (RevocationMode.REQUIRE, RevocationMode.HARD_FAIL):
            log.warning("issuer_rule_by_key_identifier", rule=rule.place, revocation_mode=rule.revocation_mode.value)


def warn_of_fleet(settings: Settings) -> None:
    """Log what whoever owns Redis can do to this fleet. To be called once, before the processes are started."""
    if settings.redis_url is None:
        return
    log = structlog.get_logger("revet.settings")
    if not settings.fleet_key:
        log.warning("fleet_without_key", setting=setting("fleet_key"), consequence=_WITHOUT_KEY)
    for number, key in enumerate(settings.fleet_key, 1):
        length = len(key.get_secret_value())
        if length < GOOD_KEY_LENGTH:
            log.warning("fleet_key_short", key=number, characters=length, advice=_SHORT_KEY)


def supervisor_log() -> Callable[[str, Mapping[str, object]], None]:
    """What the supervisor tells of its children, as events of the log."""
    log = structlog.get_logger("revet.supervisor")

    def write(event: str, fields: Mapping[str, object]) -> None:
        # While the service stops, a child that ends is what should happen.
        is_stopping = event == "child_died" and fields.get("again_in_s") is None
        is_expected = is_stopping and fields.get("exit_code") in (None, 0)
        level = logging.INFO if is_expected else _SUPERVISOR_LEVELS.get(event, logging.INFO)
        log.log(level, event, **fields)

    return write


def log_fault(where: str, error: Exception) -> None:
    """What is our own fault, with where it happened."""
    structlog.get_logger("revet.fault").error("fault", where=where, exc_info=error)
