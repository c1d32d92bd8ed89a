"""Answers as they were sent, to be sent again: what `VerdictCache` keeps for this interface.

A request is the same where its octets are, and the caller is one to whom the same is answered. Of what is sent again
the decision's id is new, and `cache` says so; `checked_at` stays, since that is when it was checked.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from pydantic_core import to_json

from service.api.answer_document import answer_document
from service.api.answers import Cache
from service.application.shadow import WouldDeny, would_deny
from service.application.validate import ValidationAnswer
from service.core.model.failure import Code
from service.core.model.verdict import Decision

_MISS: Final = b'"cache":"%b"}' % Cache.MISS.encode()
_HIT: Final = b'"cache":"%b"}' % Cache.HIT.encode()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """One answer around its decision's id.

    Attributes:
        before: Its JSON up to the id.
        after: The rest, which says that it was decided before.
        denial: In shadow, what it would have been.
    """

    decision: Decision
    code: Code
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    denial: WouldDeny | None = field(default=None, repr=False)

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


def write_answer(answer: ValidationAnswer) -> bytes:
    """An answer's JSON."""
    return to_json(answer_document(answer))


def kept_answer(answer: ValidationAnswer, body: bytes, trust_store: str) -> KeptAnswer:
    """What to keep of an answer.

    Args:
        answer: What was answered.
        body: Its JSON, as `write_answer` has made it.
        trust_store: Which was named.
    """
    before, _, after = body.partition(answer.decision_id.encode())
    after = after.removesuffix(_MISS) + _HIT
    denial = None
    if answer.enforced is not None:
        denial = would_deny(answer.enforced, answer.decision_id, trust_store, answer.checked_at)
    return KeptAnswer(answer.verdict.decision, answer.verdict.code, before, after, denial)
