"""`revet check`: is this certificate still good?"""

import json

import typer

from service.cli.asking import Question, ask
from service.cli.options import (
    EXIT_ALLOW,
    EXIT_DENY,
    CertificateArguments,
    ConfigOption,
    IntermediatesOption,
    JsonOption,
    TrustStoreOption,
    UrlOption,
    output,
)
from service.cli.rendering import render_check


def check(
    certificates: CertificateArguments,
    trust_store: TrustStoreOption = None,
    url: UrlOption = None,
    intermediates: IntermediatesOption = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Is this certificate still good? Exit code 0: allow, 1: deny, 2: could not be asked."""
    answers = ask(Question(tuple(certificates), tuple(intermediates or ()), trust_store, url, config))
    for path, answer in zip(certificates, answers, strict=True):
        if as_json:
            output.print(json.dumps(answer, ensure_ascii=False, indent=2), markup=False)
        else:
            output.print(render_check(str(path), answer))
    raise typer.Exit(EXIT_ALLOW if all(answer["decision"] == "allow" for answer in answers) else EXIT_DENY)
