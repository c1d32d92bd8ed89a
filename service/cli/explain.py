"""`revet explain`: the path, and each piece of evidence, as a tree."""

import typer

from service.cli.asking import Question, ask
from service.cli.options import (
    EXIT_ALLOW,
    EXIT_DENY,
    CertificateArguments,
    ConfigOption,
    IntermediatesOption,
    TrustStoreOption,
    UrlOption,
    output,
)
from service.cli.rendering import render_explanation


def explain(
    certificates: CertificateArguments,
    trust_store: TrustStoreOption = None,
    url: UrlOption = None,
    intermediates: IntermediatesOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the path of a certificate and every piece of evidence. Exit codes as of `check`."""
    answers = ask(Question(tuple(certificates), tuple(intermediates or ()), trust_store, url, config))
    for path, answer in zip(certificates, answers, strict=True):
        output.print(render_explanation(str(path), answer))
    raise typer.Exit(EXIT_ALLOW if all(answer["decision"] == "allow" for answer in answers) else EXIT_DENY)
