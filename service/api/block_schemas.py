"""What requests and answers about blocks hold, field by field."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StrictStr

from service.api.answers import AnswerSchema, Fingerprint, Hex, ProblemAnswer
from service.api.schemas import Absent, Moment, Schema

MAX_REASON: Final = 500
"""Characters of a reason: a sentence or two, and the number of a ticket."""

MAX_ISSUER: Final = 16_384
"""Characters of an issuer's name: that of four kibibytes, the longest that is read, with every character escaped."""

MAX_SERIAL: Final = 3_072
"""Characters of a serial number: 1,023 octets in hex with colons. RFC 5280 §4.1.2.2 allows 20 octets."""

Digest = Annotated[
    StrictStr,
    Field(pattern=r"^([0-9A-Fa-f]{64}|([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$", examples=["67c1b2c75f258fb0" * 4]),
]
SerialNumber = Annotated[
    StrictStr,
    Field(
        pattern=r"^-?((0[xX])?[0-9A-Fa-f]+|[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{2})+)$",
        max_length=MAX_SERIAL,
        examples=["5eed01", "5E:ED:01"],
    ),
]

_FORMS: Final = (["fingerprint_sha256"], ["spki_sha256"], ["issuer", "serial_number"])
"""The fields of which a request has one group."""


def _without_null_defaults(schema: dict[str, Any]) -> None:
    """Say that absent is not null."""
    for described in schema["properties"].values():
        if described.get("default", ...) is None:
            del described["default"]


def _one_form(schema: dict[str, Any]) -> None:
    """Say which fields go together, and that absent is not null."""
    _without_null_defaults(schema)
    every = {field for form in _FORMS for field in form}
    schema["oneOf"] = [
        {"required": form, "not": {"anyOf": [{"required": [other]} for other in sorted(every - set(form))]}}
        for form in _FORMS
    ]


class BlockRequest(Schema):
    """What to block: one of a fingerprint, a key, or issuer and serial number; and why."""

    model_config = ConfigDict(json_schema_extra=_one_form)

    fingerprint_sha256: Annotated[Digest | None, Absent] = None
    """SHA-256 of the certificate in hex, colons allowed."""
    spki_sha256: Annotated[Digest | None, Absent] = None
    """SHA-256 of its SubjectPublicKeyInfo in hex, colons allowed: every certificate of that key."""
    issuer: Annotated[Annotated[StrictStr, Field(min_length=1, max_length=MAX_ISSUER)] | None, Absent] = None
    """The issuer's name as RFC 4514 writes it, as answers have it; compared as RFC 5280 §7.1 says."""
    serial_number: Annotated[SerialNumber | None, Absent] = None
    """The serial number in hex, never decimal: colons, upper case, leading zeros and 0x allowed."""
    reason: Annotated[StrictStr, Field(pattern=r"\S", max_length=MAX_REASON, examples=["Key stolen, ticket 4711"])]
    """Why, for people: answers about what is blocked say it."""
    until: Annotated[Moment | None, Absent] = None
    """From when on it is not blocked any more (RFC 3339); until somebody removes the block where absent."""

    @property
    def forms(self) -> int:
        """How many groups of fields are given, whole or in part."""
        return sum(any(getattr(self, field) is not None for field in form) for form in _FORMS)


class BlockAnswer(AnswerSchema):
    """A block."""

    id: str
    """Names it."""
    fingerprint_sha256: Fingerprint | None
    """What it denies: the certificate with this SHA-256."""
    spki_sha256: Fingerprint | None
    """What it denies: certificates of the key with this SHA-256."""
    issuer: str | None
    """What it denies: certificates of this issuer (RFC 4514) with the serial number below."""
    serial_number: Hex | None
    """Hex without leading zeros."""
    reason: str
    """Why."""
    created_at: datetime
    """When it was made."""
    created_by: str
    """Who asked for it: which administrator's token, or nobody with a name."""
    until: datetime | None
    """From when on it denies nothing any more; null for never."""
    in_force: bool
    """Whether it denies anything now."""


class BlockProblemAnswer(ProblemAnswer):
    """A change of the blocks that was not made, or that the other hosts of the fleet do not know of."""

    model_config = ConfigDict(json_schema_extra=_without_null_defaults)

    local: bool = False
    """True: it was made, and is in force on this host alone."""
    block_id: Annotated[str | None, Absent] = None
    """Names the block, where it was made."""
    block: Annotated[BlockAnswer | None, Absent] = None
    """The block, where one was added."""


class BlocksAnswer(AnswerSchema):
    """Every block of this host."""

    blocks: list[BlockAnswer]
    """The oldest first, those included whose time is over."""
