"""What holds for every command, those included that nobody has thought of yet: `--json`, and exit codes."""

import json
import os
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app
from service.cli.exit_codes import EXIT_CODES
from service.cli.json_output import json_text
from service.cli.operating import Service
from tests.cli.conftest import Files
from tests.cli.introspection import LEAVES, options_of
from tests.cli.scenes import SCENES, TOLD_ELSEWHERE, Scene
from tests.cli.serving import answering

WITHOUT_JSON: Final = {
    "serve": "it serves, and its log has a format of its own",
    "prefetch": "likewise",
    "demo": "it tells a story to people; its exit code says whether all of it was true",
    "healthcheck": "it prints nothing where all is well; its exit code is the answer",
    "completion": "what it prints is a script",
}
"""Commands that have nothing to say to machines, and why."""

ANYWHERE: Final = frozenset({70, 130})
"""Codes that any command may end with."""


def play(command: str, scene: Scene, files: Files, *, as_json: bool) -> Result:
    """Type it beside the service of the scene."""
    names = {"trust_store": str(files.trust_store)}
    environment = {name: value.format(**names) for name, value in (scene.environment or {}).items()}
    with answering(lambda *_: scene.answer) as url:
        typed = [*command.split(), *scene.words(files, url), *(["--json"] if as_json else [])]
        return CliRunner().invoke(app, typed, input=scene.stdin, env=environment)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("REVET_")]:
        monkeypatch.delenv(name)


def test_every_command_has_json() -> None:
    """Or stands among those that have not, with a reason."""
    assert set(WITHOUT_JSON) == {command for command in LEAVES if "--json" not in options_of(command)}


def test_every_command_has_exit_codes() -> None:
    """And nothing else has."""
    assert set(LEAVES) == set(EXIT_CODES)


def test_every_exit_code_has_a_scene() -> None:
    """A code that no command comes to is none, and one that nobody has written down may not be relied on."""
    codes = {(command, code) for command, codes in EXIT_CODES.items() for code in codes - ANYWHERE}
    assert set(SCENES) == {(command, code) for command, code in codes if command not in TOLD_ELSEWHERE}


@pytest.mark.parametrize(("command", "code"), SCENES)
def test_exit_code(files: Files, command: str, code: int) -> None:
    """The one that is written down; where it is none of success, standard error says why or the answer does."""
    result = play(command, SCENES[command, code], files, as_json=False)
    assert code == result.exit_code, result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("command", "code"), [one for one in SCENES if one[0] not in WITHOUT_JSON])
def test_json(files: Files, command: str, code: int) -> None:
    """One document and nothing else on standard output, with the same exit code; or nothing at all, and why not."""
    scene = SCENES[command, code]
    result = play(command, scene, files, as_json=True)
    assert code == result.exit_code, result.output
    if scene.has_document:
        assert isinstance(json.loads(result.stdout), dict | list)
    else:
        assert ("", True) == (result.stdout, bool(result.stderr))


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x9b31m", "\u202e", "\U000e0001", "\udc80", ":bomb:", "[red]", "é", "x" * 9000]
)
def test_json_for_terminals(text: str) -> None:
    """Nothing that a terminal obeys is in it, nothing is replaced or broken, and it says the same."""
    written = json_text({"a": [text, "b"]})
    assert {"a": [text, "b"]} == json.loads(written)
    assert all(character.isprintable() or character == "\n" for character in written)


def test_text_in_brackets_is_text(files: Files) -> None:
    """What a stranger calls himself is no markup: it can set no colour and no link."""
    document: dict[str, Any] = {
        "blocks": [{**SCENES["block add", 0].answer[1], "reason": "[link=http://x]:bomb:[/link]"}]
    }
    result = play("block list", Scene("--url {url}", (200, document)), files, as_json=False)
    assert "[link=http://x]:bomb:[/link]" in result.stdout


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 2, ""),
        (EOFError(), 2, "nothing was typed"),
        (ZeroDivisionError("of ours"), 70, "ZeroDivisionError: of ours"),
    ],
)
def test_ends_in_between(monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, words: str) -> None:
    """None of these is taken for a denial."""

    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Service, "call", fail)
    monkeypatch.setattr("service.cli.ending.os.dup2", lambda *_: None)
    result = CliRunner().invoke(app, ["stats"])
    assert (code, True) == (result.exit_code, words in result.stderr)
