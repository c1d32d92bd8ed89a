"""`revet prefetch`: the fleet's fetcher."""

from service.application.evidence_store import StoreError
from service.bootstrap.logs import configure_logging, warn_of_fleet, warn_of_rules
from service.bootstrap.outside import check_trust_stores
from service.cli.options import ConfigOption, fail, fail_settings, read_settings
from service.processes.exit_code import EXIT_CONFIGURATION
from service.processes.fetching import run_fetcher
from service.settings import SettingsError


def prefetch(config: ConfigOption = None) -> None:
    """Fetch CRLs for a whole fleet and write them to Redis, until SIGTERM or Ctrl-C; answers nobody."""
    settings = read_settings(config, exit_code=EXIT_CONFIGURATION)
    if settings.redis_url is None:
        raise fail("REVET_REDIS_URL is needed: what is fetched here is of use to others alone", EXIT_CONFIGURATION)
    try:
        settings.require_trust_store()
        check_trust_stores(settings)
        configure_logging(settings)
        warn_of_rules(settings)
        warn_of_fleet(settings)
        run_fetcher(settings)
    except SettingsError as error:
        raise fail_settings(error, EXIT_CONFIGURATION) from error
    except (OSError, StoreError) as error:
        raise fail(f"REVET_DATA_DIR: {error}", EXIT_CONFIGURATION) from error
