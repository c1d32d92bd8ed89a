"""Settings are read again while the service runs, and checked as at its start.

Rules it keeps: what cannot be put into force is refused by name, with everything else that is wrong; whatever goes
wrong here, the service goes on.

What it does not do: put them into force (`reload`), or read again what changes by itself (trust stores, tokens,
certificates).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from service.bootstrap.logs import log_fault, warn_of_fleet, warn_of_rules
from service.bootstrap.outside import check_trust_stores
from service.bootstrap.tracing import check_tracing
from service.processes.handing import without_files
from service.processes.plan import ReloadRefusedError, ServicePlan
from service.settings import Settings, SettingsError, load_settings
from service.settings.model import setting

NEED_RESTART: Final[Mapping[str, str]] = {
    "host": "the sockets are made once",
    "port": "the sockets are made once",
    "management_host": "the sockets are made once",
    "management_port": "the sockets are made once",
    "data_dir": "all processes use one at a time",
    "redis_url": "a host decides nothing before it has read the blocks of another fleet",
    "redis_prefix": "a host decides nothing before it has read the blocks of another fleet",
}
"""Settings that the service cannot change while it runs, and why."""

NEED_RESTART_TO_TURN: Final[Mapping[str, str]] = {
    "tls_cert": "processes that speak TLS and others that do not would answer at one port",
    "tls_client_ca": "processes that ask for certificates and others that do not would answer at one port",
}
"""Settings that can be changed, but not turned on or off."""


def read_again(
    running: Settings, config: Path | None, environment: Mapping[str, str], planned: Callable[[Settings], ServicePlan]
) -> ServicePlan:
    """Read them from where they were read at the start, and plan with them.

    Args:
        running: Those that are in force.
        config: The TOML file of the command line.
        environment: The process's own, which cannot change.
        planned: Makes the plan; raises `SettingsError` where a file that they name cannot be used.

    Raises:
        ReloadRefusedError: they are wrong, or need a restart.
    """
    need_restart: tuple[str, ...] = ()
    try:
        settings = load_settings(config, environment)
        if problems := _needing_restart(running, settings):
            need_restart = tuple(problems)
            raise SettingsError(tuple(problems.values()))  # noqa: TRY301 - one of the ways in which they are wrong
        settings.require_trust_store()
        check_trust_stores(settings)
        check_tracing(settings)
        plan = planned(settings)
    except SettingsError as error:
        raise ReloadRefusedError(error.problems, need_restart) from error
    except Exception as error:
        # A bug in what reads settings must not end a service that runs.
        log_fault("reading the settings again", error)
        raise ReloadRefusedError((f"reading them failed ({type(error).__name__}); the log says more",)) from error
    warn_of_rules(settings)
    warn_of_fleet(settings)
    return replace(plan, changed=_changed(running, settings))


def _changed(running: Settings, settings: Settings) -> tuple[str, ...]:
    """Names of the settings that are others now; tokens of files were in force before."""
    before, after = without_files(running), without_files(settings)
    return tuple(setting(field) for field in Settings.model_fields if getattr(before, field) != getattr(after, field))


def _needing_restart(running: Settings, settings: Settings) -> dict[str, str]:
    """What cannot be put into force, by the name of the setting."""
    changed = {
        setting(field): f"{setting(field)} needs a restart to change: {reason}"
        for field, reason in NEED_RESTART.items()
        if getattr(running, field) != getattr(settings, field)
    }
    turned = {
        setting(field): f"{setting(field)} needs a restart to be turned on or off: {reason}"
        for field, reason in NEED_RESTART_TO_TURN.items()
        if (getattr(running, field) is None) != (getattr(settings, field) is None)
    }
    return changed | turned
