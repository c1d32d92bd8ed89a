"""OCSP answers that come with a request, each with one thing odd: what is good, and what never is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Unpack

import pytest

from service.adapters.lmdb.store import Store
from service.application.inline_evidence import read_inline_evidence
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from tests.application.chain import NAMESAKE, OCSP_URL, ROOT, STRANGER, SUB, read
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE, request, world
from tests.pki import (
    NEXT_UPDATE,
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    Answer,
    CertificateOverrides,
    Extension,
    days,
    der,
    hours,
    key,
    names,
    ocsp_error,
    oids,
)

pytestmark = pytest.mark.anyio

LEAF: Final = SUB.issue("leaf", ocsp_urls=OCSP_URL)
OTHER: Final = SUB.issue("other")
DELEGATE: Final = SUB.ocsp_responder("OCSP")
MOMENT: Final = NOW + timedelta(seconds=1000)
"""When the questions are asked: the clock of `tests.application.world`."""
CRITICAL: Final = Extension("1.2.3.4", b"whatever", critical=True)
TIMESTAMPS: Final = Extension("1.3.6.1.4.1.11129.2.4.5", b"whatever", critical=True)
CUTOFF: Final = Extension("1.3.6.1.5.5.7.48.1.6", der.generalized_time(NOW - days(999)))

SOFT_FAIL: Final = ("allow", "unknown", "ok")
EXPIRED: Final = ("deny", "invalid", "expired")


async def decided(
    store: Store, directory: Path, *answers: bytes, mode: RevocationMode = RevocationMode.HARD_FAIL
) -> tuple[str, str, str]:
    """What is decided about the leaf where these answers come along and nobody else can be asked."""
    policy = Policy(revocation_mode=mode, revocation_scope=RevocationScope.LEAF)
    asked = replace(request(read(LEAF), policy), evidence=read_inline_evidence([], answers))
    return await world(store, directory).validate(asked)


GOOD: Final[Mapping[str, bytes]] = {
    "by the issuer": SUB.ocsp(LEAF),
    "the issuer by its key": SUB.ocsp(LEAF, responder_id="key"),
    "by a delegate": SUB.ocsp(LEAF, responder=DELEGATE),
    "a delegate by its key": SUB.ocsp(LEAF, responder=DELEGATE, responder_id="key"),
    "SHA-224": SUB.ocsp(LEAF, cert_id_hash="sha224"),
    "SHA-256": SUB.ocsp(LEAF, cert_id_hash="sha256"),
    "SHA-384": SUB.ocsp(LEAF, cert_id_hash="sha384"),
    "SHA-512": SUB.ocsp(LEAF, cert_id_hash="sha512"),
    "more certificates": SUB.ocsp(LEAF, certificates=[SUB.issued, DELEGATE, STRANGER.issued, DELEGATE]),
    "a delegate twice": SUB.ocsp(LEAF, responder=DELEGATE, certificates=[DELEGATE, DELEGATE]),
    "others besides": SUB.ocsp(Answer(OTHER, status="revoked"), LEAF),
    "good twice": SUB.ocsp(LEAF, Answer(LEAF, this_update=NOW)),
    "an extension": SUB.ocsp(LEAF, extensions=[Extension("1.2.3.4", b"whatever")]),
    "an extension of the answer": SUB.ocsp(LEAF, single_extensions=[Extension("1.2.3.4", b"whatever")]),
    "timestamps, critical": SUB.ocsp(LEAF, single_extensions=[TIMESTAMPS]),
    "an archive cutoff": SUB.ocsp(LEAF, single_extensions=[CUTOFF]),
    "somebody's nonce": SUB.ocsp(LEAF, nonce=bytes(32)),
    "from the first second": SUB.ocsp(LEAF, produced_at=NOT_BEFORE),
    "without nextUpdate": SUB.ocsp(LEAF, this_update=MOMENT - timedelta(seconds=299), next_update=None),
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD.keys())
async def test_good(store: Store, tmp_path: Path, answer: bytes) -> None:
    """It counts."""
    assert ALLOWED == await decided(store, tmp_path, answer)


def by(**overrides: Unpack[CertificateOverrides]) -> bytes:
    """A good answer by a delegate that is odd."""
    return SUB.ocsp(LEAF, responder=SUB.ocsp_responder("OCSP", **overrides))


NEVER_GOOD: Final[Mapping[str, bytes]] = {
    "nothing": b"",
    "rubbish": b"invalid",
    "octets behind it": SUB.ocsp(LEAF) + b"\0",
    "an error": ocsp_error("malformedRequest"),
    "an error with an answer": SUB.ocsp(LEAF, response_status="tryLater"),
    "success without an answer": ocsp_error("successful"),
    "a status that there is not": der.seq(der.enumerated(17)),
    "another type of response": SUB.ocsp(LEAF, response_type=oids.OCSP_NONCE),
    "about nobody": SUB.ocsp(),
    "about another certificate": SUB.ocsp(OTHER, Answer(OTHER, status="revoked")),
    "an unknown hash": SUB.ocsp(LEAF, cert_id_hash="md5"),
    "the serial number of another issuer": SUB.ocsp(LEAF, cert_id_issuer=STRANGER.issued),
    "the serial number of a namesake": SUB.ocsp(LEAF, cert_id_issuer=NAMESAKE.issued),
    "unknown": SUB.ocsp(LEAF, status="unknown"),
    "good and unknown": SUB.ocsp(LEAF, Answer(LEAF, status="unknown")),
    "unknown and a newer good": SUB.ocsp(Answer(LEAF, status="unknown"), Answer(LEAF, this_update=NOW)),
    "a signature that is none": SUB.ocsp(LEAF, corrupt_signature=True),
    "a namesake of the issuer": NAMESAKE.ocsp(LEAF, cert_id_issuer=SUB.issued, certificates=[NAMESAKE.issued]),
    "a new key of the issuer": SUB.reissue(key=key("p256", 7)).ocsp(LEAF, cert_id_issuer=SUB.issued),
    "another name": SUB.ocsp(LEAF, responder_id=der.explicit(1, names.name("Somebody"))),
    "a key hash of 19 octets": SUB.ocsp(LEAF, responder_id=der.explicit(2, der.octet_string(bytes(19)))),
    "a key hash of 32 octets": SUB.ocsp(LEAF, responder_id=der.explicit(2, der.octet_string(bytes(32)))),
    "a delegate that did not come along": SUB.ocsp(LEAF, responder=DELEGATE, certificates=[]),
    "a client as a delegate": SUB.ocsp(LEAF, responder=OTHER),
    "itself as a delegate": SUB.ocsp(LEAF, responder=LEAF),
    "a delegate for any purpose": by(extended_key_usage="anyExtendedKeyUsage"),
    "a delegate that may not sign": by(key_usage={"keyEncipherment"}),
    "a delegate with a critical extension": by(extensions=[CRITICAL]),
    "a delegate that has expired": by(not_after=NOW - days(1)),
    "a delegate to be": by(not_before=NOW + days(1)),
    "a delegate that the issuer has not signed": by(signing_key=STRANGER.key),
    "a delegate by the issuer's issuer": SUB.ocsp(LEAF, responder=ROOT.ocsp_responder("OCSP")),
    "a delegate by the issuer's new key": SUB.ocsp(
        LEAF, responder=SUB.reissue(key=key("p256", 7)).ocsp_responder("OCSP")
    ),
    "a delegate by another name of the issuer's key": SUB.ocsp(
        LEAF, responder=ROOT.subordinate("Sister", key=SUB.key).ocsp_responder("OCSP")
    ),
    "a critical extension": SUB.ocsp(LEAF, extensions=[CRITICAL]),
    "a critical extension of the answer": SUB.ocsp(LEAF, single_extensions=[CRITICAL]),
    "a critical extension about another": SUB.ocsp(LEAF, Answer(OTHER, single_extensions=[CRITICAL])),
    "a time stamp in the response": SUB.ocsp(LEAF, extensions=[TIMESTAMPS]),
    "out of date": SUB.ocsp(LEAF, this_update=NOW - days(2), next_update=NOW - days(1)),
    "old": SUB.ocsp(LEAF, next_update=None),
    "from the future": SUB.ocsp(LEAF, this_update=NOW + days(1), next_update=NOW + days(2)),
    "produced in the future": SUB.ocsp(LEAF, produced_at=NOW + hours(1)),
    "produced before the certificate": SUB.ocsp(LEAF, produced_at=NOT_BEFORE - days(1)),
    "produced after the certificate": SUB.ocsp(LEAF, produced_at=NOT_AFTER + days(1)),
    "ends before it begins": SUB.ocsp(LEAF, this_update=MOMENT, next_update=MOMENT - timedelta(seconds=1)),
    "begins when it ends": SUB.ocsp(LEAF, this_update=NEXT_UPDATE, next_update=NOW),
}


@pytest.mark.parametrize("answer", NEVER_GOOD.values(), ids=NEVER_GOOD.keys())
async def test_never_good(store: Store, tmp_path: Path, answer: bytes) -> None:
    """Where an answer is needed, this is none."""
    assert UNAVAILABLE == await decided(store, tmp_path, answer)


@pytest.mark.parametrize("answer", NEVER_GOOD.values(), ids=NEVER_GOOD.keys())
async def test_never_in_the_way(store: Store, tmp_path: Path, answer: bytes) -> None:
    """Beside an answer by the issuer itself it changes nothing, unless it is one too, and the newer one at that."""
    newest = SUB.ocsp(LEAF, this_update=NOW - hours(0.5))
    assert ALLOWED == await decided(store, tmp_path, answer, newest)


NEVER_ISSUED: Final = datetime(1970, 1, 1, tzinfo=UTC)

REVOKING: Final[Mapping[str, bytes]] = {
    "revoked": SUB.ocsp(LEAF, status="revoked"),
    "with a reason": SUB.ocsp(LEAF, status="revoked", reason="keyCompromise"),
    "on hold": SUB.ocsp(LEAF, status="revoked", reason="certificateHold"),
    "removed from a CRL": SUB.ocsp(LEAF, status="revoked", reason="removeFromCRL"),
    "never issued": SUB.ocsp(LEAF, status="revoked", reason="certificateHold", revoked_at=NEVER_ISSUED),
    "from tomorrow": SUB.ocsp(LEAF, status="revoked", revoked_at=NOW + days(1)),
    "good and revoked": SUB.ocsp(LEAF, Answer(LEAF, status="revoked")),
    "revoked and a newer good": SUB.ocsp(Answer(LEAF, status="revoked"), Answer(LEAF, this_update=NOW)),
    "before it began": SUB.ocsp(LEAF, status="revoked", produced_at=NOT_BEFORE - days(1)),
}


@pytest.mark.parametrize("mode", [RevocationMode.HARD_FAIL, RevocationMode.SOFT_FAIL, RevocationMode.REQUIRE])
@pytest.mark.parametrize("answer", REVOKING.values(), ids=REVOKING.keys())
async def test_revoked(store: Store, tmp_path: Path, answer: bytes, mode: RevocationMode) -> None:
    """In every mode that asks, beside an answer that is older."""
    older = SUB.ocsp(LEAF, this_update=NOW - hours(2))
    assert REVOKED == await decided(store, tmp_path, answer, older, mode=mode)


async def test_what_is_never_good_is_not_revoked_either(store: Store, tmp_path: Path) -> None:
    """Where no answer is needed, nobody is denied because of it."""
    answers = (*NEVER_GOOD.values(), SUB.ocsp(LEAF, status="revoked", corrupt_signature=True))
    assert SOFT_FAIL == await decided(store, tmp_path, *answers, mode=RevocationMode.SOFT_FAIL)


async def test_an_archive_cutoff_makes_nothing_valid(store: Store, tmp_path: Path) -> None:
    """It says that the responder still remembers an expired certificate, not that anybody shall accept it."""
    expired = SUB.issue("leaf", not_after=NOW - days(1), ocsp_urls=OCSP_URL)
    answer = SUB.ocsp(expired, single_extensions=[CUTOFF])
    asked = replace(request(read(expired)), evidence=read_inline_evidence([], [answer]))
    assert EXPIRED == await world(store, tmp_path).validate(asked)
