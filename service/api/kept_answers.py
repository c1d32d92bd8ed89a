"""Answers as they were sent, to be sent again: what `VerdictCache` keeps for this interface.

A request is the same where its octets are, and the caller is one to whom the same is answered. Of what is sent again
the decision's id is new, and `cache` says so where there is one; `checked_at` stays, since that is when it was checked.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from pydantic_core import to_json

from service.api.answer_document import answer_document
from service.api.answers import Cache
from service.api.reply import Header
from service.application.repeating import Repeatable
from service.application.validate import ValidationAnswer
from service.core.model.failure import Code
from service.core.model.verdict import Decision

_MISS: Final = b'"cache":"%b"}' % Cache.MISS.encode()
_HIT: Final = b'"cache":"%b"}' % Cache.HIT.encode()


@dataclass(frozen=True, slots=True)
class Written:
    """An answer in the form that one path gives it.

    Attributes:
        body: JSON, which names the decision's id once.
        headers: What says the same in headers, but for the decision's id.
    """

    body: bytes = field(repr=False)
    headers: tuple[Header, ...] = field(default=(), repr=False)

    @property
    def octets(self) -> int:
        """Its length."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """One answer around its decision's id.

    Attributes:
        valid_until: Until when it may be reused; None for never.
        repeatable: What is told of it when it is given again.
        headers: What says the same in headers.
        before: Its JSON up to the id.
        after: The rest, which says that it was decided before.
    """

    decision: Decision
    code: Code
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    valid_until: datetime | None
    repeatable: Repeatable = field(repr=False)
    headers: tuple[Header, ...] = field(default=(), repr=False)

    def body(self, decision_id: str) -> bytes:
        """The answer with another decision's id."""
        return b"%b%b%b" % (self.before, decision_id.encode(), self.after)


def request_key(body: bytes, purpose: bytes) -> bytes:
    """What a request is remembered by.

    Args:
        body: Its octets.
        purpose: What besides them decides how it is answered.
    """
    return sha256(purpose + b"\x00" + body).digest()


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was decided now or before, as it is sent now.

    Attributes:
        answer: What can be given again.
        decision_id: Names it this time.
        body: Its JSON with that id.
    """

    answer: KeptAnswer
    decision_id: str
    body: bytes = field(repr=False)


def write_answer(answer: ValidationAnswer) -> Written:
    """An answer as `POST /v1/validate` gives it."""
    return Written(to_json(answer_document(answer)))


def kept_answer(answer: ValidationAnswer, written: Written) -> KeptAnswer:
    """What to keep of an answer.

    Args:
        answer: What was answered.
        written: Its form.
    """
    before, _, after = written.body.partition(answer.decision_id.encode())
    if after.endswith(_MISS):
        after = after.removesuffix(_MISS) + _HIT
    told = answer.repeatable
    return KeptAnswer(told.decision, told.code, before, after, answer.valid_until, told, written.headers)
