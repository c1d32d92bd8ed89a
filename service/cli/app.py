"""The commands, each from a file of its own."""

import typer

from service.cli.block import block_app
from service.cli.check import check
from service.cli.completion import completion
from service.cli.config import config_app
from service.cli.crl import crl_app
from service.cli.decisions import show_decisions
from service.cli.demo import demo
from service.cli.ending import Commands
from service.cli.explain import explain
from service.cli.healthcheck import healthcheck
from service.cli.prefetch import prefetch
from service.cli.refresh import refresh
from service.cli.serve import serve
from service.cli.stats import show_stats
from service.cli.token import token
from service.cli.version import show_version, version

app = typer.Typer(
    cls=Commands,
    help="Is this client certificate still good, right now?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.callback()(show_version)
app.command()(serve)
app.command()(prefetch)
app.command()(check)
app.command()(explain)
app.command()(demo)
app.command()(healthcheck)
app.command("refresh")(refresh)
app.command("stats")(show_stats)
app.command("decisions")(show_decisions)
app.command("token")(token)
app.command("version")(version)
app.command("completion")(completion)
app.add_typer(crl_app, name="crl")
app.add_typer(block_app, name="block")
app.add_typer(config_app, name="config")
