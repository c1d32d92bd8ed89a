"""`docs/authorizer.md` names every setting of the Lambda authorizer, its codes and its failures, and nothing else."""

import ast
import contextlib
import json
import re
from typing import Final

import pytest

import lambda_function
from lambda_function import Authorizer
from tests.docs.pages import ROOT, page, table, word, words

PAGE: Final = "authorizer.md"
SOURCE: Final = (ROOT / "authorizer" / "lambda_function.py").read_text()
ROWS: Final = {word(row["name"]): row for row in table(PAGE, "settings")}
NEEDED: Final = {"REVET_URL": "http://127.0.0.1:1"}


def test_every_setting_is_there() -> None:
    """Those that the function takes, and no other: what it does not know it tells of."""
    named = {name for text in _texts() for name in re.findall(r"REVET_[A-Z_]+[A-Z]", text)}
    assert named == set(ROWS)


def _texts() -> list[str]:
    found = [node.value for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Constant)]
    return [text for text in found if isinstance(text, str)]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_setting_is_known(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is read, or refused by its name; it is not told of as unknown."""
    with contextlib.suppress(lambda_function.SettingsError):
        Authorizer({**NEEDED, name: "7"})
    assert "" == capsys.readouterr().out


@pytest.mark.parametrize("name", ["REVET_TIMEOUT_MS", "REVET_MEMORY_S"])
def test_numbers(name: str) -> None:
    """Bounds are as the page says, and the default is one of them."""
    low, high = map(int, re.findall(r"(\d+) to (\d+)", ROWS[name]["meaning"])[0])
    for text in (str(low), str(high), word(ROWS[name]["default"])):
        Authorizer({**NEEDED, name: text})
    for text in (str(low - 1), str(high + 1)):
        with pytest.raises(lambda_function.SettingsError, match=f"{name} .* from {low} to {high}"):
            Authorizer({**NEEDED, name: text})


@pytest.mark.parametrize("name", ["REVET_FAIL_MODE", "REVET_POLICY_SCOPE", "REVET_RESPONSE"])
def test_choices(name: str) -> None:
    """All of them, the default first."""
    choices = words(ROWS[name]["meaning"])
    assert choices[0] == word(ROWS[name]["default"])
    with pytest.raises(lambda_function.SettingsError, match=f"^{name} has to be one of {', '.join(choices)}$"):
        Authorizer({**NEEDED, name: "neither"})


def test_context() -> None:
    """Every name that an answer can have."""
    text = page(PAGE)
    assert [] == [name for name in ("decision", "code", "fail_mode", *lambda_function.ABOUT) if f"`{name}`" not in text]


def test_failures() -> None:
    """What the log can say is explained."""
    raised = re.findall(r'(?:FailureError|RefusalError)\(f?"([^"{]+)', SOURCE)
    explained = page(PAGE)
    assert raised
    assert [] == [text for text in raised if text.partition(":")[0].strip() not in explained]


def test_lines_of_the_log() -> None:
    """They are JSON, and have the names that lines have."""
    lines = [json.loads(line) for line in _block("duration_ms").splitlines()]
    assert [("info", "revoked"), ("error", "unavailable")] == [(line["level"], line["code"]) for line in lines]


def test_the_environment() -> None:
    """It is one that the function takes, but for the file of the bundle."""
    variables: dict[str, str] = json.loads(_block("Variables"))["Variables"]
    assert "/var/task/ca.pem" == variables.pop("REVET_CA_BUNDLE")
    Authorizer(variables)


def _block(having: str) -> str:
    (found,) = (text for text in re.findall(r"```json\n(.*?)```", page(PAGE), re.DOTALL) if having in text)
    return str(found)
