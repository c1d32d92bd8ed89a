"""`revet config check` and `revet config show`."""

import json

import typer

from service.bootstrap import check_trust_stores
from service.cli.options import ConfigOption, fail_settings, output, read_settings
from service.settings import SettingsError

config_app = typer.Typer(help="The settings.", no_args_is_help=True)


@config_app.command("check")
def check_config(config: ConfigOption = None) -> None:
    """Read the settings and the trust stores as `serve` would. Exit code 2 with everything that is wrong."""
    settings = read_settings(config)
    try:
        settings.require_trust_store()
        check_trust_stores(settings)
    except SettingsError as error:
        raise fail_settings(error) from error
    output.print("The settings are good.")


@config_app.command("show")
def show_config(config: ConfigOption = None) -> None:
    """Print every setting in force as JSON; of secrets only their number."""
    output.print(json.dumps(read_settings(config).masked(), indent=2), markup=False)
