"""What an OCSP answer says, of whom and until when (RFC 6960 §3.2, §4.2), where its signer is beyond doubt."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tests.conformance.case import REQUIRING, Corpus, Expected
from tests.conformance.corpora.making import (
    ABOUT_SUB,
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    Row,
    case,
    ocsp,
)
from tests.pki import NOW, Answer, Authority, Extension, OcspOverrides, days, der, hours, key, ocsp_error
from tests.pki.ocsp import CertStatus, ResponseStatus
from tests.pki.signing import HashName

OTHER: Final = SUB.issue("other")
"""Another certificate of the same issuer."""
SAME_NAME: Final = Authority.root("Sub", key=key("p256", 7))
SAME_KEY: Final = Authority.root("Somebody", key=SUB.key)
SECOND: Final = timedelta(seconds=1)
SKEW: Final = REQUIRING.clock_skew
AGE: Final = timedelta(minutes=5)
"""How long an answer without nextUpdate serves."""

_ARCHIVE_CUTOFF: Final = Extension("1.3.6.1.5.5.7.48.1.6", der.generalized_time(NOW - days(3650)))
_EXTENDED_REVOKE: Final = Extension("1.3.6.1.5.5.7.48.1.9", der.null())
_CRL_REFERENCE: Final = Extension(
    "1.3.6.1.5.5.7.48.1.3", der.seq(der.explicit(0, der.ia5_string("http://crl.example/")))
)
_UNKNOWN: Final = Extension("1.3.6.1.4.1.99999.1", der.null())
_CRITICAL: Final = replace(_UNKNOWN, critical=True)


def answers() -> Corpus:
    """Every answer."""
    rows = (*_statuses(), *_cert_ids(), *_several(), *_times(), *_extensions(), *_unreadable())
    return Corpus(
        "OCSP answers",
        "an answer says what it says, of the certificate that it is about, while it is current",
        tuple(case(name, rule, (LEAF, SUB), ABOUT_SUB + ocsp(*given), says) for name, rule, says, given in rows),
    )


def _row(name: str, rule: str, says: Expected, *given: bytes) -> Row:
    return name, rule, says, given


def _statuses() -> Iterator[Row]:
    section = "RFC 6960 §2.2"
    yield _row("good", f"good says good ({section}).", SOUND, SUB.ocsp(LEAF))
    yield _row("revoked", f"revoked says revoked ({section}).", LEAF_REVOKED, SUB.ocsp(LEAF, status="revoked"))
    yield _row("unknown", f"unknown is never good ({section}).", LEAF_UNANSWERED, SUB.ocsp(LEAF, status="unknown"))
    yield _row(
        "on-hold",
        f"On hold is revoked ({section}).",
        LEAF_REVOKED,
        SUB.ocsp(LEAF, status="revoked", reason="certificateHold"),
    )
    yield _row(
        "revoked-tomorrow",
        "What is listed is revoked, whatever date stands beside it.",
        LEAF_REVOKED,
        SUB.ocsp(LEAF, status="revoked", revoked_at=NOW + days(1)),
    )
    errors: tuple[ResponseStatus, ...] = (
        "malformedRequest",
        "internalError",
        "tryLater",
        "sigRequired",
        "unauthorized",
    )
    for error in errors:
        yield _row(
            error, "An error says nothing of any certificate (RFC 6960 §2.3).", LEAF_UNANSWERED, ocsp_error(error)
        )
        yield _row(
            f"{error}-around-good",
            "An error says nothing, whatever comes with it (RFC 6960 §4.2.1).",
            LEAF_UNANSWERED,
            SUB.ocsp(LEAF, response_status=error),
        )
    yield _row(
        "successful-without-a-body",
        "successful has response bytes (RFC 6960 §4.2.1).",
        LEAF_UNANSWERED,
        ocsp_error("successful"),
    )


def _cert_ids() -> Iterator[Row]:
    section = "RFC 6960 §4.1.1"
    hashes: tuple[HashName, ...] = ("sha1", "sha224", "sha256", "sha384", "sha512")
    for one in hashes:
        yield _row(f"{one}-good", f"A CertID may use {one} ({section}).", SOUND, SUB.ocsp(LEAF, cert_id_hash=one))
        yield _row(
            f"{one}-revoked",
            f"A CertID may use {one} ({section}).",
            LEAF_REVOKED,
            SUB.ocsp(LEAF, cert_id_hash=one, status="revoked"),
        )
        yield _row(
            f"{one}-same-serial-of-the-same-name",
            f"The right serial number of an issuer that bears the name alone is another certificate ({section}).",
            LEAF_UNANSWERED,
            SUB.ocsp(LEAF, cert_id_hash=one, cert_id_issuer=SAME_NAME.issued),
        )
        yield _row(
            f"{one}-same-serial-of-the-same-key",
            f"The right serial number of an issuer that has the key alone is another certificate ({section}).",
            LEAF_UNANSWERED,
            SUB.ocsp(LEAF, cert_id_hash=one, cert_id_issuer=SAME_KEY.issued),
        )
    yield _row(
        "md5",
        "MD5 tells nobody which certificate is meant (RFC 6151).",
        LEAF_UNANSWERED,
        SUB.ocsp(LEAF, cert_id_hash="md5"),
    )
    yield _row(
        "other-serial",
        f"An answer about another certificate says nothing ({section}).",
        LEAF_UNANSWERED,
        SUB.ocsp(OTHER),
    )
    yield _row(
        "root-about-the-leaf",
        f"The issuer's issuer knows nothing of the certificate ({section}).",
        LEAF_UNANSWERED,
        ROOT.ocsp(LEAF),
    )


def _several() -> Iterator[Row]:
    good, revoked, unknown = Answer(LEAF), Answer(LEAF, status="revoked"), Answer(LEAF, status="unknown")
    others = (Answer(OTHER), Answer(SUB.issue("another"), status="revoked"))
    in_one = {
        "among-others-good": ((others[0], good, others[1]), SOUND, "One answer may be about several certificates"),
        "among-others-revoked": ((*others, revoked), LEAF_REVOKED, "One answer may be about several certificates"),
        "others-alone": (others, LEAF_UNANSWERED, "Of several certificates none is the one in question"),
        "good-then-revoked": ((good, revoked), LEAF_REVOKED, "Good and revoked in one answer is revoked"),
        "revoked-then-good": ((revoked, good), LEAF_REVOKED, "Revoked and good in one answer is revoked"),
        "good-then-unknown": ((good, unknown), LEAF_UNANSWERED, "Good and unknown in one answer is not good"),
        "unknown-then-good": ((unknown, good), LEAF_UNANSWERED, "Unknown and good in one answer is not good"),
        "unknown-then-revoked": ((unknown, revoked), LEAF_REVOKED, "Unknown and revoked in one answer is revoked"),
        "nobody": ((), LEAF_UNANSWERED, "An answer about nobody says nothing"),
    }
    for name, (subjects, says, rule) in in_one.items():
        yield _row(name, f"{rule} (RFC 6960 §4.2.1).", says, SUB.ocsp(*subjects))
    older, newer = NOW - hours(2), NOW - hours(1)
    pairs: tuple[tuple[CertStatus, CertStatus, Expected], ...] = (
        ("good", "revoked", LEAF_REVOKED),
        ("revoked", "good", SOUND),
        ("good", "unknown", LEAF_UNANSWERED),
        ("unknown", "good", SOUND),
        ("revoked", "unknown", LEAF_REVOKED),
    )
    for old, new, says in pairs:
        given = (SUB.ocsp(LEAF, status=old, this_update=older), SUB.ocsp(LEAF, status=new, this_update=newer))
        rule = "The newest answer counts, and unknown takes no revocation back."
        yield _row(f"{old}-and-newer-{new}", rule, says, *given)


def _times() -> Iterator[Row]:
    section = "RFC 6960 §3.2"
    rows: tuple[tuple[str, str, Expected, OcspOverrides], ...] = (
        ("begins-now", f"thisUpdate is inclusive ({section}, 5).", SOUND, {"this_update": NOW, "produced_at": NOW}),
        ("begins-within-skew", "Clocks differ by the skew.", SOUND, {"this_update": NOW + SKEW, "produced_at": NOW}),
        (
            "begins-later",
            f"thisUpdate lies ahead ({section}, 5).",
            LEAF_UNANSWERED,
            {"this_update": NOW + SKEW + SECOND},
        ),
        ("ends-now", f"nextUpdate is inclusive ({section}, 6).", SOUND, {"next_update": NOW}),
        ("ended-within-skew", "Clocks differ by the skew.", SOUND, {"next_update": NOW - SKEW}),
        ("ended", f"nextUpdate has passed ({section}, 6).", LEAF_UNANSWERED, {"next_update": NOW - SKEW - SECOND}),
        ("produced-now", f"producedAt is inclusive ({section}, 5).", SOUND, {"produced_at": NOW}),
        ("produced-within-skew", "Clocks differ by the skew.", SOUND, {"produced_at": NOW + SKEW}),
        (
            "produced-later",
            "Nobody has signed it yet (RFC 6960 §2.4).",
            LEAF_UNANSWERED,
            {"produced_at": NOW + SKEW + SECOND},
        ),
        (
            "produced-long-ago",
            "Answers are signed ahead (RFC 6960 §2.5): the age of the signature says nothing.",
            SOUND,
            {"produced_at": NOW - days(3), "this_update": NOW - days(3)},
        ),
        (
            "without-end-and-new",
            "Without nextUpdate newer information is always there (RFC 6960 §4.2.2.1): five minutes are new.",
            SOUND,
            {"next_update": None, "this_update": NOW - AGE},
        ),
        (
            "without-end-and-old",
            "Without nextUpdate newer information is always there (RFC 6960 §4.2.2.1): an hour is old.",
            LEAF_UNANSWERED,
            {"next_update": None, "this_update": NOW - hours(1)},
        ),
        (
            "ends-before-it-begins",
            f"What ends before it begins has never been current ({section}, 6).",
            LEAF_UNANSWERED,
            {"this_update": NOW - hours(1), "next_update": NOW - hours(2)},
        ),
    )
    for name, rule, says, how in rows:
        yield _row(name, rule, says, SUB.ocsp(LEAF, **how))
        # What is not current says nothing, and what is current and revoked is revoked.
        also = LEAF_REVOKED if says is SOUND else LEAF_UNANSWERED
        revoked: OcspOverrides = {**how, "status": "revoked"}
        yield _row(f"{name}-revoked", rule, also, SUB.ocsp(LEAF, **revoked))


def _extensions() -> Iterator[Row]:
    rows: tuple[tuple[str, str, Expected, OcspOverrides], ...] = (
        ("nonce", "A nonce that nobody asked for is no fault (RFC 9654 §2.1).", SOUND, {"nonce": bytes(32)}),
        (
            "archive-cutoff",
            "An archive cutoff changes nothing (RFC 6960 §4.4.4).",
            SOUND,
            {"single_extensions": (_ARCHIVE_CUTOFF,)},
        ),
        (
            "crl-reference",
            "A CRL reference changes nothing (RFC 6960 §4.4.2).",
            SOUND,
            {"single_extensions": (_CRL_REFERENCE,)},
        ),
        (
            "extended-revoke",
            "Extended revoke changes nothing for good (RFC 6960 §4.4.8).",
            SOUND,
            {"extensions": (_EXTENDED_REVOKE,)},
        ),
        (
            "never-issued",
            "A certificate that was never issued is answered as revoked (RFC 6960 §2.2).",
            LEAF_REVOKED,
            {
                "status": "revoked",
                "reason": "certificateHold",
                "revoked_at": NOW.replace(year=1970),
                "extensions": (_EXTENDED_REVOKE,),
            },
        ),
        ("unknown-extension", "An unknown extension is ignored (RFC 6960 §4.4).", SOUND, {"extensions": (_UNKNOWN,)}),
        (
            "unknown-single-extension",
            "An unknown extension is ignored (RFC 6960 §4.4).",
            SOUND,
            {"single_extensions": (_UNKNOWN,)},
        ),
        (
            "critical-extension",
            "An unknown critical extension is not ignored (RFC 6960 §4.4).",
            LEAF_UNANSWERED,
            {"extensions": (_CRITICAL,)},
        ),
        (
            "critical-single-extension",
            "An unknown critical extension is not ignored (RFC 6960 §4.4).",
            LEAF_UNANSWERED,
            {"single_extensions": (_CRITICAL,)},
        ),
    )
    for name, rule, says, how in rows:
        yield _row(name, rule, says, SUB.ocsp(LEAF, **how))


def _unreadable() -> Iterator[Row]:
    answer = SUB.ocsp(LEAF)
    for name, rule, given in (
        (
            "another-response-type",
            "Only id-pkix-ocsp-basic is known (RFC 6960 §4.2.1).",
            SUB.ocsp(LEAF, response_type="1.3.6.1.4.1.99999.2"),
        ),
        ("octets-after-it", "What has octets after it is no answer (X.690 §8.1).", answer + b"\x00"),
        ("cut-off", "What ends early is no answer (X.690 §8.1).", answer[:-1]),
        ("empty", "Nothing is no answer.", b"\x30\x00"),
        ("not-der", "Text is no answer.", b"HTTP/1.1 200 OK"),
    ):
        yield _row(name, rule, LEAF_UNANSWERED, given)
        yield _row(f"{name}-beside-good", "What cannot be read does not disturb what can.", SOUND, given, answer)
