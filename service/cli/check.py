"""`revet check`: are these certificates still good?"""

from typing import Annotated

import typer

from service.cli.asking import Question
from service.cli.check_run import Telling, run
from service.cli.options import (
    CertificateArguments,
    ConfigOption,
    IntermediatesOption,
    JsonOption,
    TrustStoreOption,
    UrlOption,
)
from service.cli.rendering import render_check

CsvOption = Annotated[
    str | None, typer.Option("--csv", metavar="FILE", help="Write a line for each file there; - for standard output.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No bar, and nothing for people but complaints.")]


def check(  # noqa: PLR0913 - options, each by its name
    certificates: CertificateArguments,
    trust_store: TrustStoreOption = None,
    url: UrlOption = None,
    intermediates: IntermediatesOption = None,
    config: ConfigOption = None,
    csv: CsvOption = None,
    *,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Are these certificates still good? Exit code 0: all are allowed, 1: one is denied, 2: one was not asked about."""
    question = Question(tuple(intermediates or ()), trust_store, url, config)
    raise run(question, map(str, certificates), Telling(render_check, as_json=as_json, csv=csv, quiet=quiet))
