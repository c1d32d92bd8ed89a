"""How each command comes to each of its exit codes: what is typed, and what a service answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.api import decision_examples, examples
from service.api import operator_examples as operators
from tests.cli.conftest import Files
from tests.cli.serving import Answer

PROBLEM: Final[Answer] = (401, {"title": "Unauthorized", "detail": "a token is needed"})
GONE: Final = "http://127.0.0.1:1"
URL: Final = "http://crl.example/issuing.crl"


@dataclass(frozen=True, slots=True)
class Scene:
    """One way to an exit code.

    Attributes:
        typed: Behind the command; names in braces are files of the test, or where the service is.
        answer: Status and document of the service.
        has_document: Whether `--json` has something to print.
        environment: Variables of it.
        stdin: What is typed later.
    """

    typed: str = ""
    answer: Answer = (200, {})
    has_document: bool = True
    environment: Mapping[str, str] | None = None
    stdin: str | None = None

    def words(self, files: Files, url: str) -> list[str]:
        """What is typed, word for word."""
        names = {name: str(getattr(files, name)) for name in ("directory", "trust_store", "good", "expired")}
        return [word.format(url=url, gone=GONE, **names) for word in self.typed.split()]


_HERE: Final = "--trust-store {trust_store}"
_CRL: Final = "{directory}/list.crl"
_REFUSED: Final = Scene("--url {url}", PROBLEM, has_document=False)
_REFRESHED: Final[dict[str, Any]] = {**operators.REFRESHED, "unknown": [], "running": []}
_LOCAL: Final[Answer] = (502, {"title": "On this host alone", "local": True, "block": examples.BLOCK})
_ID: Final = "0" * 32

SCENES: Final[Mapping[tuple[str, int], Scene]] = {
    ("check", 0): Scene(f"{_HERE} {{good}}"),
    ("check", 1): Scene(f"{_HERE} {{good}} {{expired}}"),
    ("check", 2): Scene("--url {gone} {good}"),
    ("explain", 0): Scene(f"{_HERE} {{good}}"),
    ("explain", 1): Scene(f"{_HERE} {{expired}}"),
    ("explain", 2): Scene(f"{_HERE} {{directory}}/nobody.pem"),
    ("refresh", 0): Scene("--url {url} --wait", (202, {**_REFRESHED, "outcomes": []})),
    ("refresh", 1): Scene("--url {url} nobody", (202, {**_REFRESHED, "unknown": ["nobody"]})),
    ("refresh", 2): _REFUSED,
    ("stats", 0): Scene("--url {url}", (200, operators.STATS)),
    ("stats", 2): _REFUSED,
    ("decisions", 0): Scene("--url {url}", (200, decision_examples.DECISIONS)),
    ("decisions", 2): _REFUSED,
    ("token", 0): Scene(),
    ("token", 2): Scene("--hash", has_document=False, stdin="short\n"),
    ("version", 0): Scene(),
    ("version", 2): Scene("--nonsense", has_document=False),
    ("completion", 0): Scene("bash"),
    ("completion", 2): Scene("csh", has_document=False),
    ("crl show", 0): Scene(_CRL),
    ("crl show", 2): Scene("{good}", has_document=False),
    ("crl list", 0): Scene("--url {url}", (200, operators.CRLS)),
    ("crl list", 2): _REFUSED,
    ("crl reset", 0): Scene("--url {url} --issuer CN=Example", (200, operators.RESET)),
    ("crl reset", 2): Scene("--url {url}", has_document=False),
    ("block add", 0): Scene("--url {url} {good} --reason stolen", (201, examples.BLOCK)),
    ("block add", 2): Scene("--url {gone} {good} --reason stolen", has_document=False),
    ("block add", 3): Scene("--url {url} {good} --reason stolen", _LOCAL),
    ("block list", 0): Scene("--url {url}", (200, {"blocks": [examples.BLOCK]})),
    ("block list", 2): _REFUSED,
    ("block remove", 0): Scene(f"--url {{url}} {_ID}"),
    ("block remove", 2): Scene("--url {url} ../stats", has_document=False),
    ("block remove", 3): Scene(f"--url {{url}} {_ID}", (502, {"title": "On this host alone", "local": True})),
    ("config check", 0): Scene(environment={"REVET_TRUST_STORE": "{trust_store}"}),
    ("config check", 2): Scene(),
    ("config show", 0): Scene("--for {good}"),
    ("config show", 2): Scene("--for {directory}/nobody.pem", has_document=False),
}
"""By command and code. Of 70 and 130, which any command may come to, there are tests of their own."""

TOLD_ELSEWHERE: Final[Mapping[str, str]] = {
    "serve": "tests/processes and tests/e2e start it",
    "prefetch": "tests/e2e start it",
    "demo": "tests/demo tells its story",
    "healthcheck": "tests/cli/test_healthcheck.py",
}
"""Commands that have no scene here, and who looks after them."""
