"""The steps of the story: each does something, shows what became of it, and fails where that is not as it should be."""

import json
import re
import shlex
import time
from collections.abc import Sequence
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from service.adapters.clock import SystemClock
from service.demo.clients import BY_ROOT, ED25519, GOOD
from service.demo.companion import StopAsked
from service.demo.files import write_atomically
from service.demo.story.application import REPEATED
from service.demo.story.curl import Answer, Closed, Outcome
from service.demo.story.doors import CALLERS, GOOD_CALLER, NOBODY, OTHER_CALLER, SERVERS_CA, Caller, Door, did
from service.demo.story.errors import InterruptedStoryError, StoryError
from service.demo.story.stage import ADMINISTRATOR, REFRESH_S, Stage
from service.demo.story.telling import Teller, visible
from service.demo.story.watching import Ask, Turn, watch
from service.settings import Settings

BLOCK: Final = "block.json"
"""The file with the block, in the directory where curl runs."""

CLOCK: Final = SystemClock()

_ACCOUNT: Final = re.compile(r"OpenSSL SSL_\w+: .*(?=alert )")

REASON: Final = "the laptop was stolen"


def show_stage(stage: Stage, tell: Teller) -> None:
    """Say what runs, and where."""
    tell.chapter(f"Revet, and {len(stage.doors)} doors in front of one application, all on this machine")
    rows = [("revet", stage.base.service_url, "asked over TLS, with a token")]
    tell.table((*rows, *((door.name, door.url.rstrip("/"), door.way) for door in stage.doors)))
    tell.line()
    tell.line("API Gateway and ALB are stand-ins; the service, the authorizer, the sidecars and curl are not.")


def who_gets_in(stage: Stage, tell: Teller, stop_asked: StopAsked) -> None:
    """Knock at every door with each certificate, and with none.

    Raises:
        StoryError: a door does not do what it has to.
        InterruptedStoryError: the user wants to stop.
    """
    tell.chapter("1. Who gets in")
    tell.line(f"$ {stage.curl.line(GOOD_CALLER.arguments(stage.doors[0]))}")
    tell.line()
    outcomes = {caller: tuple(_knock(stage, door, caller, stop_asked) for door in stage.doors) for caller in CALLERS}
    head = ("", *(door.name for door in stage.doors))
    tell.table((head, *((caller.name, *map(did, of_doors)) for caller, of_doors in outcomes.items())))
    tell.line()
    tell.line(f"Behind every door the application was told: {_subject(stage, outcomes[GOOD_CALLER])}")
    for door, outcome in zip(stage.doors, outcomes[NOBODY], strict=True):
        if isinstance(outcome, Closed):
            tell.line(f"{NOBODY.name}, {door.name} closed: {_brief(outcome.complaint)}")


def revocation(stage: Stage, tell: Teller, stop_asked: StopAsked) -> None:
    """Have the authority revoke a certificate, and see every door close to it.

    Raises:
        StoryError: a door stays open, or closes to somebody else.
        InterruptedStoryError: the user wants to stop.
    """
    pki = stage.base.pki
    crl = pki.layout.authority(GOOD.issuer).crl
    before = _crl_number(crl)
    turns = watch(stage.doors, _knocking(stage, GOOD_CALLER), lambda: pki.revoke(GOOD.name, CLOCK.now()), stop_asked)
    tell.chapter(f"2. The authority revokes {GOOD_CALLER.name}: its CRL {_crl_number(crl)} replaces CRL {before}")
    _show_turns(turns, "revoked", tell)
    tell.line()
    others = [(door.name, did(_knock(stage, door, OTHER_CALLER, stop_asked))) for door in stage.doors]
    tell.line(f"{OTHER_CALLER.name} still gets in: {', '.join(f'{name} {done}' for name, done in others)}")
    tell.paragraph(
        f"It takes as long as Revet takes to look for a newer CRL: here every {REFRESH_S} s, by default every "
        f"{_default('crl_refresh_min_s')} to {_default('crl_refresh_max_s')} s (REVET_CRL_REFRESH_MIN_S, "
        "REVET_CRL_REFRESH_MAX_S). What a door keeps comes on top; these keep nothing."
    )


def emergency(stage: Stage, tell: Teller, stop_asked: StopAsked) -> None:
    """Have an administrator block a certificate, and see every door close.

    Raises:
        StoryError: it could not be blocked, or a door stays open.
        InterruptedStoryError: the user wants to stop.
    """
    certificate = stage.base.pki.layout.certificate(BY_ROOT.name)
    body = {"fingerprint_sha256": _fingerprint(certificate), "reason": REASON}
    write_atomically(certificate.with_name(BLOCK), json.dumps(body).encode())
    arguments = (
        *("-H", f"@{ADMINISTRATOR}", "-H", "Content-Type: application/json", "-d", f"@{BLOCK}"),
        *("--cacert", SERVERS_CA, f"{stage.base.service_url}/v1/blocks"),
    )
    taken: list[float] = []

    def block() -> None:
        begun = time.monotonic()
        outcome = stage.curl.ask(arguments)
        taken.append(time.monotonic() - begun)
        if did(outcome) != str(HTTPStatus.CREATED.value):
            raise StoryError(f"the block was answered with {did(outcome)}: {_text(outcome)}")

    turns = watch(stage.doors, _knocking(stage, OTHER_CALLER), block, stop_asked)
    tell.chapter(f"3. An administrator blocks {OTHER_CALLER.name}, whatever its authority says")
    tell.line(f"$ {stage.curl.line(arguments)}")
    tell.line()
    _show_turns(turns, "blocked", tell)
    tell.line()
    tell.line(f"The block was answered {HTTPStatus.CREATED.value} after {taken[0]:.2f} s.")


def show_what_stays(stage: Stage, tell: Teller) -> None:
    """Say what there is to try while everything stays."""
    tell.chapter("Everything stays until Ctrl-C. To be pasted in another terminal; ed25519.pem still gets in:")
    tell.line(f"cd {shlex.quote(str(stage.base.pki.layout.certificate(ED25519.name).parent))}")
    for door in stage.doors:
        tell.line(stage.curl.line(Caller.of(ED25519).arguments(door)))


def _knock(stage: Stage, door: Door, caller: Caller, stop_asked: StopAsked) -> Outcome:
    """Knock once; what is not what the door has to say ends the story."""
    if stop_asked():
        raise InterruptedStoryError
    outcome = stage.curl.ask(caller.arguments(door))
    expected = door.expects(caller).value
    if did(outcome) != expected:
        raise StoryError(f"{door.name} answered {did(outcome)} to {caller.name}, and not {expected}: {_text(outcome)}")
    return outcome


def _subject(stage: Stage, outcomes: Sequence[Outcome]) -> str:
    """Whom the application was told of, by every door the same.

    Raises:
        StoryError: a door has told something else than the subject of the certificate.
    """
    leaf = x509.load_pem_x509_certificate(stage.base.pki.layout.certificate(GOOD.name).read_bytes())
    subject = leaf.subject.rfc4514_string()
    for door, outcome in zip(stage.doors, outcomes, strict=True):
        told = outcome.header(REPEATED) if isinstance(outcome, Answer) else None
        if told != subject:
            raise StoryError(f"{door.name} told the application of {told}, and not of {subject}")
    return subject


def _knocking(stage: Stage, caller: Caller) -> Ask:
    return lambda door: stage.curl.ask(caller.arguments(door))


def _show_turns(turns: Sequence[Turn], code: str, tell: Teller) -> None:
    """Write how the doors have turned.

    Raises:
        StoryError: a door gives another reason than this code; API Gateway tells clients none.
    """
    for turn in turns:
        given = _code(turn.answer.body)
        if given not in {code, None}:
            raise StoryError(f"{turn.door.name} refused because it was {given}, and not {code}")
    head = ("", "still 204", "403 after", "with")
    rows = (
        (turn.door.name, f"{turn.let_in} times", f"{turn.seconds:.2f} s", visible(turn.answer.body)) for turn in turns
    )
    tell.table((head, *rows))


def _code(body: str) -> str | None:
    """The reason in an answer, where it has one."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return str(answer["code"]) if isinstance(answer, dict) and "code" in answer else None


def _brief(complaint: str) -> str:
    """What curl says, without OpenSSL's account of where in itself it heard the server's alert."""
    return visible(_ACCOUNT.sub("... ", complaint)).removesuffix(", errno 0")


def _text(outcome: Outcome) -> str:
    return visible(outcome.body if isinstance(outcome, Answer) else outcome.complaint)


def _crl_number(crl: Path) -> int:
    extensions = x509.load_der_x509_crl(crl.read_bytes()).extensions
    return extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _default(field: str) -> str:
    """What a setting is where nobody sets it."""
    return f"{Settings.model_fields[field].default:g}"


def _fingerprint(certificate: Path) -> str:
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    return sha256(der).hexdigest()
