"""What ends the story: every step with a door that does what it must not, in place of real doors."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from service.demo.gateway.own_certificate import OwnCertificate
from service.demo.pki import DemoPki
from service.demo.story import watching
from service.demo.story.application import REPEATED
from service.demo.story.curl import Answer, Closed, Curl, Outcome
from service.demo.story.doors import CALLERS, NOBODY, OTHER_CALLER, REVOKED_CALLER, Door, Expected
from service.demo.story.errors import InterruptedStoryError, StoryError
from service.demo.story.programs import Programs
from service.demo.story.reserved import ReservedPorts
from service.demo.story.stage import Base, Stage
from service.demo.story.steps import emergency, revocation, show_stage, who_gets_in
from service.demo.story.telling import Teller

GOOD: Final = "good.pem"
OPEN: Final = Answer(204, ((REPEATED.lower(), "CN=good.demo.example"),), "")
SHUT: Final = Answer(403, (), '{"code": "revoked"}')
BLOCKED: Final = Answer(403, (), '{"code": "blocked"}')

Says = Callable[[tuple[str, ...]], Outcome]
"""What is answered to arguments of curl."""


class FakeCurl(Curl):
    """Answers by itself, and asks nobody."""

    def __init__(self, says: Says, programs: Programs, directory: Path) -> None:
        """Take what is answered."""
        super().__init__(programs, directory)
        self._says = says

    def ask(self, arguments: tuple[str, ...]) -> Outcome:  # type: ignore[override]  # always one here
        """The answer."""
        return self._says(arguments)


Setting = Callable[[Says], Stage]


@pytest.fixture
def setting(pki: DemoPki, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """A stage with one door, which says what a test wants."""
    monkeypatch.setattr(watching, "PAUSE_S", 0)
    files = OwnCertificate(tmp_path, tmp_path, tmp_path)
    base = Base(tmp_path, programs, {}, files, ReservedPorts(), pki, "https://revet", {}, "http://application")
    refusals = dict.fromkeys(CALLERS[2:], Expected.REFUSED) | {NOBODY: Expected.CLOSED}
    door = Door("door", "a way", "https://door/", refusals)
    return lambda says: Stage(base, (door,), FakeCurl(says, programs, tmp_path), ())


def never() -> bool:
    """Nobody wants to stop."""
    return False


def told(step: Callable[[Stage, Teller, Callable[[], bool]], None], stage: Stage) -> str:
    """What a step writes."""
    lines: list[str] = []
    step(stage, Teller(lines.append), never)
    return "\n".join(lines)


def usual(arguments: tuple[str, ...]) -> Outcome:
    """What the door has to say before anything happens."""
    if "good.pem" in arguments or "by-root.pem" in arguments:
        return OPEN
    return Closed("curl: (56) none") if arguments[0] == "--cacert" else SHUT


def after(opened: int, then: Outcome, arguments: str = GOOD, others: Outcome = OPEN) -> Says:
    """Open so many times to whom this is about, then something else; to others always the same."""
    left = [OPEN] * opened

    def says(given: tuple[str, ...]) -> Outcome:
        if arguments not in given:
            return others
        return left.pop() if left else then

    return says


def test_what_is_there(setting: Setting) -> None:
    """The service and every door are named with their addresses."""
    lines: list[str] = []

    show_stage(setting(usual), Teller(lines.append))

    assert "  revet  https://revet  asked over TLS, with a token" in lines
    assert "  door   https://door   a way" in lines


def test_who_gets_in(setting: Setting) -> None:
    """Everybody is in the table with what was seen."""
    text = told(who_gets_in, setting(usual))

    assert "  good.pem        204\n" in text
    assert "  no certificate  closed\n" in text
    assert "no certificate, door closed: curl: (56) none" in text


@pytest.mark.parametrize(
    ("name", "said", "sentence"),
    [
        ("good.pem", SHUT, "door answered 403 to good.pem, and not 204"),
        ("by-root.pem", Answer(503, (), "later"), "door answered 503 to by-root.pem, and not 204: later"),
        ("revoked.pem", OPEN, "door answered 204 to revoked.pem, and not 403"),
        ("foreign.pem", OPEN, "door answered 204 to foreign.pem"),
        ("@forged.txt", OPEN, "door answered 204 to forged headers"),
        ("good.pem", Answer(204, (), ""), "door told the application of None"),
        ("good.pem", replace(OPEN, headers=((REPEATED.lower(), "CN=x"),)), "door told the application of CN=x"),
    ],
)
def test_a_door_that_errs(setting: Setting, name: str, said: Outcome, sentence: str) -> None:
    """Whoever is let in or kept out wrongly, or called by another name, ends the story."""
    stage = setting(lambda arguments: said if name in arguments else usual(arguments))

    with pytest.raises(StoryError) as failed:
        told(who_gets_in, stage)

    assert failed.value.reason.startswith(sentence)


def test_a_revocation(setting: Setting) -> None:
    """The certificate is in the next CRL, and the door turns."""
    text = told(revocation, setting(after(3, SHUT)))

    assert "2. The authority revokes good.pem: its CRL 2 replaces CRL 1" in text
    assert "door  2 times" in text
    assert "by-root.pem still gets in: door 204" in text
    assert "here every 1 s, by default every 60 to 3600 s" in text


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (after(3, Answer(403, (), '{"code": "unavailable"}')), "because it was unavailable, and not revoked"),
        (after(3, SHUT, others=SHUT), "door answered 403 to by-root.pem, and not 204"),
        (after(3, Answer(503, (), "")), "door answered 503 instead of 204 or 403"),
    ],
)
def test_a_door_that_shuts_for_another_reason(setting: Setting, says: Says, sentence: str) -> None:
    """A door that fails has not learned of the revocation, and one that shuts to all has not either."""
    with pytest.raises(StoryError) as failed:
        told(revocation, setting(says))

    assert sentence in failed.value.reason


def _blocking(answer: Outcome) -> Says:
    door = after(1, BLOCKED, OTHER_CALLER.name)
    return lambda arguments: answer if arguments[-1].endswith("/v1/blocks") else door(arguments)


def test_an_emergency(setting: Setting) -> None:
    """The block is shown as it was sent, and the door turns."""
    text = told(emergency, setting(_blocking(Answer(201, (), "{}"))))

    assert "https://revet/v1/blocks" in text
    assert "door  0 times" in text
    assert "The block was answered 201" in text


def test_a_block_that_is_refused(setting: Setting) -> None:
    """Its answer is the reason."""
    with pytest.raises(StoryError, match=r"the block was answered with 401: no$"):
        told(emergency, setting(_blocking(Answer(401, (), "no"))))


def test_the_token_is_not_shown(setting: Setting) -> None:
    """It is in a file that curl reads."""
    text = told(emergency, setting(_blocking(Answer(201, (), "{}"))))

    assert "-H @administrator.txt" in text
    assert "Bearer" not in text


def test_who_wants_to_stop(setting: Setting) -> None:
    """Nobody knocks any more."""
    asked: list[tuple[str, ...]] = []

    def says(arguments: tuple[str, ...]) -> Outcome:
        asked.append(arguments)
        return usual(arguments)

    with pytest.raises(InterruptedStoryError):
        who_gets_in(setting(says), Teller(lambda _line: None), lambda: len(asked) > 2)

    assert 3 == len(asked)


def test_what_a_door_has_to_do() -> None:
    """It refuses those whom it names, and lets in all others."""
    assert Expected.REFUSED is Door("d", "", "", {REVOKED_CALLER: Expected.REFUSED}).expects(REVOKED_CALLER)
    assert Expected.LET_IN is Door("d", "", "", {}).expects(OTHER_CALLER)
