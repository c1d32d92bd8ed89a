"""How a proxy is answered: in headers, which it can act upon and pass on, and in a body that it may show to the client.

Rules it keeps: a status that every proxy takes for what it is: 200 alone lets a request through. What a header's value
cannot have is percent-encoded, and so is the percent sign, so that there is one way back. Neither headers nor body tell
what an operator wrote about a block, or where evidence comes from.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic_core import to_json

from service.api.answer_document import detail_of
from service.api.client_cert.fronts import HANDS_OVER, HandsOver
from service.api.kept_answers import Given, Written
from service.api.moment import write_moment, write_optional
from service.api.problems import Problem, problem_reply
from service.api.reply import BLANKS, DECISION_ID, Header, Headers, Reply, values_of
from service.application.clock import Clock
from service.application.fronts import Front
from service.application.public_wording import describe_publicly
from service.application.validate import ValidationAnswer
from service.core.model.certificate import Certificate
from service.core.model.failure import NoIssuer
from service.core.model.verdict import Decision, Verdict

DECISION: Final = b"x-revet-decision"
CODE: Final = b"x-revet-code"
SUBJECT: Final = b"x-revet-subject"
SERIAL: Final = b"x-revet-serial"
FINGERPRINT: Final = b"x-revet-fingerprint"
VALID_UNTIL: Final = b"x-revet-valid-until"
ENFORCED_CODE: Final = b"x-revet-enforced-code"
MAX_AGE: Final = b"x-revet-max-age"
ACCEL_EXPIRES: Final = b"x-accel-expires"

NO_SUBJECT: Final = "-"
"""The value for a certificate with an empty subject, which no RFC 4514 name is. An empty value, or none, would let that
through which the client itself has sent under this name, at proxies that only replace what they are given."""

MAX_AGE_S: Final = 60
"""Seconds for which a proxy may ask to keep an answer: the longest that answers hold by default."""

NGINX_CLOCK_S: Final = 1
"""nginx counts whole seconds, and serves what it keeps until the last one is over: up to a second more than it was
told."""

ON_THE_WAY_S: Final = 1
"""It counts from when the answer has arrived. The sidecar keeps none that took longer."""

LEAF_ALONE: Final = (
    "The front {front} hands over the leaf alone, so that intermediates belong into the trust store, or into "
    "REVET_INTERMEDIATES."
)
"""What follows where an issuer is missing that the client may well have sent to the proxy."""

STATUSES: Final[Mapping[Decision, int]] = {Decision.ALLOW: 200, Decision.DENY: 403}


class Undecided(StrEnum):
    """Why nothing was decided: codes beside those of decisions."""

    NO_CERTIFICATE = "no_certificate"
    """The proxy has handed over none."""
    UNAUTHENTICATED = "unauthenticated"
    """The proxy has not said who it is."""
    BAD_REQUEST = "bad_request"
    """A path that names nothing, or a header that cannot be read."""
    UNAVAILABLE = "unavailable"
    """Nothing can be decided now."""


def write_authorization(answer: ValidationAnswer, front: Front) -> Written:
    """A decision as a proxy is told of it."""
    verdict = answer.verdict
    document = {
        "decision": verdict.decision,
        "status": verdict.status,
        "code": verdict.code,
        "detail": detail_of(answer, lambda verdict: _sentence(verdict, front)),
        "decision_id": answer.decision_id,
        "valid_until": write_optional(answer.valid_until),
    }
    return Written(to_json(document), _headers(answer))


def authorization_reply(given: Given, headers: Headers, clock: Clock) -> Reply:
    """The answer with a decision.

    Args:
        given: What was decided.
        headers: Of the request: they may ask for how long the proxy may keep it.
        clock: Time.
    """
    answer = given.answer
    own = (*answer.headers, (DECISION_ID, given.decision_id.encode()))
    asked = _asked_age(headers)
    if asked is not None:
        own = (*own, (ACCEL_EXPIRES, b"%d" % min(asked, _seconds_left(answer.valid_until, clock))))
    return Reply(STATUSES[answer.decision], given.body, headers=own)


def refusal_reply(problem: Problem, code: Undecided, decision_id: str, headers: Headers) -> Reply:
    """The answer without a decision; a proxy that looks at nothing else refuses too.

    Args:
        problem: Why there is none.
        code: The same, for programs.
        decision_id: Names the answer in logs.
        headers: Of the request.
    """
    own: list[Header] = [(DECISION, Decision.DENY.encode()), (CODE, code.encode()), (DECISION_ID, decision_id.encode())]
    if _asked_age(headers) is not None:
        own.append((ACCEL_EXPIRES, b"0"))
    more = {**problem.more, "decision": Decision.DENY, "code": code, "decision_id": decision_id}
    return problem_reply(replace(problem, more=more, headers=(*problem.headers, *own)))


def header_text(text: str) -> bytes:
    """A text as the value of a header: printable ASCII but for `%` as it is, everything else as `%XX` of its UTF-8.

    A blank at either end is encoded too, since whoever reads the value takes it away (RFC 9110 §5.5).
    """
    if _PLAIN.fullmatch(text) is not None:
        return text.encode("ascii")
    encoded = b"".join(_ENCODED[octet] for octet in text.encode("utf-8", "surrogatepass"))
    return _BLANKS_AT_ENDS.sub(lambda found: b"%20" * len(found[0]), encoded)


def _headers(answer: ValidationAnswer) -> tuple[Header, ...]:
    verdict = answer.verdict
    headers: list[Header] = [(DECISION, verdict.decision.encode()), (CODE, verdict.code.encode())]
    if answer.enforced is not None:
        headers.append((ENFORCED_CODE, answer.enforced.code.encode()))
    if verdict.decision is Decision.ALLOW and verdict.certificate is not None:
        headers += _identity(verdict.certificate)
        if answer.valid_until is not None:
            headers.append((VALID_UNTIL, write_moment(answer.valid_until).encode()))
    return tuple(headers)


def _identity(certificate: Certificate) -> tuple[Header, ...]:
    return (
        (SUBJECT, header_text(certificate.subject.text or NO_SUBJECT)),
        (SERIAL, b"%x" % certificate.serial_number),
        (FINGERPRINT, certificate.fingerprint.hex().encode()),
    )


def _sentence(verdict: Verdict, front: Front) -> str:
    sentence = describe_publicly(verdict)
    if not isinstance(verdict.failure, NoIssuer) or HANDS_OVER[front] is not HandsOver.LEAF:
        return sentence
    return f"{sentence} {LEAF_ALONE.format(front=front)}"


def _seconds_left(valid_until: datetime | None, clock: Clock) -> int:
    """For how many whole seconds nginx may keep an answer."""
    if valid_until is None:
        return 0
    return max(0, int((valid_until - clock.now()).total_seconds()) - NGINX_CLOCK_S - ON_THE_WAY_S)


def _asked_age(headers: Headers) -> int | None:
    """For how many seconds the proxy wants to keep the answer; None where it does not ask.

    What cannot be understood counts as 0: two values, another number, anything else.
    """
    values = values_of(headers, MAX_AGE)
    if not values:
        return None
    if len(values) > 1 or _AGE.fullmatch(values[0].strip(BLANKS)) is None:
        return 0
    seconds = int(values[0])
    return seconds if seconds <= MAX_AGE_S else 0


_AGE: Final = re.compile(rb"[0-9]{1,2}")
_PLAIN: Final = re.compile(r"[!-$&-~](?:[ -$&-~]*[!-$&-~])?")
_BLANKS_AT_ENDS: Final = re.compile(rb"\A +| +\Z")
_AS_THEY_ARE: Final = frozenset(range(ord(" "), ord("~") + 1)) - {ord("%")}
_ENCODED: Final = tuple(bytes([octet]) if octet in _AS_THEY_ARE else b"%%%02X" % octet for octet in range(256))
