"""`revet serve`: the service."""

import typer

from service.application.evidence_store import StoreError
from service.bootstrap.logs import configure_logging, supervisor_log, warn_of_fleet, warn_of_rules
from service.bootstrap.outside import check_trust_stores
from service.bootstrap.tracing import check_tracing
from service.cli.options import ConfigOption, fail, fail_settings, read_settings
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_LISTEN
from service.processes.listen import ListenError
from service.processes.service import run_service
from service.settings import SettingsError


def serve(config: ConfigOption = None) -> None:
    """Serve the API until SIGTERM or Ctrl-C. Settings come from REVET_* and the TOML file."""
    settings = read_settings(config, exit_code=EXIT_CONFIGURATION)
    try:
        settings.require_trust_store()
        check_trust_stores(settings)
        check_tracing(settings)
    except SettingsError as error:
        raise fail_settings(error, EXIT_CONFIGURATION) from error
    configure_logging(settings)
    warn_of_rules(settings)
    warn_of_fleet(settings)
    try:
        code = run_service(settings, config, supervisor_log())
    except SettingsError as error:
        raise fail_settings(error, EXIT_CONFIGURATION) from error
    except ListenError as error:
        raise fail(str(error), EXIT_LISTEN) from error
    except (OSError, StoreError) as error:
        raise fail(f"REVET_DATA_DIR: {error}", EXIT_CONFIGURATION) from error
    raise typer.Exit(code)
