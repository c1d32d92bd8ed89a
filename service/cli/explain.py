"""`revet explain`: the path, and each piece of evidence, as a tree."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.asking import Question
from service.cli.check_run import Telling, run
from service.cli.explain_decision import explain_decision
from service.cli.options import (
    ConfigOption,
    IntermediatesOption,
    JsonOption,
    TrustStoreOption,
    UrlOption,
    fail,
)
from service.cli.rendering import render_explanation

ExplainedArguments = Annotated[list[str] | None, typer.Argument(help="PEM or DER files, as for `check`.")]
DecisionOption = Annotated[
    str | None, typer.Option("--decision", help="Instead: replay this decision, which the service keeps.")
]
DecisionFileOption = Annotated[
    Path | None, typer.Option("--decision-file", help="Instead: replay the decision that is saved in this file.")
]


def explain(  # noqa: PLR0913 - its options
    certificates: ExplainedArguments = None,
    trust_store: TrustStoreOption = None,
    url: UrlOption = None,
    intermediates: IntermediatesOption = None,
    config: ConfigOption = None,
    *,
    decision: DecisionOption = None,
    decision_file: DecisionFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the path of a certificate and every piece of evidence. Exit codes as of `check`.

    With --decision or --decision-file: replay one that was made, and exit with 1 where another verdict comes of it.
    """
    if decision is not None or decision_file is not None:
        if certificates or trust_store is not None or intermediates or config is not None:
            raise fail("a decision is replayed with what is kept of it: give no certificates and no trust store")
        raise explain_decision(decision, decision_file, url, as_json=as_json)
    if not certificates:
        raise fail("give a certificate, or --decision")
    question = Question(tuple(intermediates or ()), trust_store, url, config)
    raise run(question, map(str, certificates), Telling(render_explanation, as_json=as_json))
