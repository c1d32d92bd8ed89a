"""What `docs/cli.md` shows of the commands that ask a running service is what they print."""

from typing import Any, Final

import pytest
from typer.testing import CliRunner

from service.api import operator_examples as examples
from service.cli.app import app
from tests.cli.serving import Answer, answering
from tests.docs.pages import blocks, page, sections

SECTIONS: Final = sections(page("cli.md"), 2)

(_HELD,) = examples.CRLS["crls"]
_FAILED: Final[dict[str, Any]] = {
    **_HELD,
    "id": "0",
    "status": "failed",
    "issuer": None,
    "slot": None,
    "source": "https://crl.example/retired.crl",
    "kind": "configured",
    "next_attempt": "2026-01-01T00:00:55Z",
    "problem": "http_status",
    "detail": "404",
    "failures": 4,
}


def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
    """As a service that holds one CRL, and has a source that gives none."""
    del path, body
    return 200, examples.REFRESHED if method == "POST" else {"crls": [_HELD, _FAILED], "after": None}


@pytest.mark.parametrize("command", ["revet crl list", "revet refresh"])
def test_what_is_shown(command: str) -> None:
    """To the letter."""
    (block,) = blocks(SECTIONS[f"`{command}`"], "text")
    typed, _, printed = block.partition("\n")
    with answering(respond) as url:
        result = CliRunner().invoke(app, [*typed.removeprefix("$ revet ").split(), "--url", url])
    assert (0, printed) == (result.exit_code, result.stdout)
