"""NIST PKITS, all of it: the table in `pkits.toml` with the files of the suite."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cryptography_vectors

from service.core.model.certificate import ANY_POLICY
from service.core.model.failure import Code
from service.core.model.policy import KeyPurpose, Policy, PolicyInputs, RevocationMode, WeakAlgorithm
from tests.conformance.case import GOOD, REVOKED, UNAVAILABLE, Case, Corpus, Evidence, Expected, refused

TABLE: Final = Path(__file__).with_name("pkits.toml")
DATA: Final = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"

AT: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""The suite's certificates are judged at any moment from April 2011 to the end of 2030."""

_NIST: Final = "2.16.840.1.101.3.2.1.48"
_WEAK: Final = frozenset({WeakAlgorithm.SHA1, WeakAlgorithm.RSA_1024, WeakAlgorithm.DSA})
_STATUSES: Final = {Code.OK: GOOD, Code.REVOKED: REVOKED, Code.REVOCATION_UNAVAILABLE: UNAVAILABLE}


def pkits() -> Corpus:
    """The whole suite."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["cases"]
    return Corpus(
        "PKITS",
        "path validation and CRLs as RFC 5280 §6 has them, in the words of NIST",
        tuple(_case(row) for row in rows),
    )


def _case(row: Mapping[str, Any]) -> Case:
    code = Code(row["code"])
    expected = _STATUSES.get(code) or refused(code)
    if code is Code.OK:
        expected = Expected(code, expected.status, authorized_policies=_oids(row["policies"]))
    return Case(
        name=row["number"],
        rule=f"NIST PKITS {row['number']}: {row['title']}.",
        leaf=_certificate(row["leaf"]),
        trusted=(_certificate("TrustAnchorRootCertificate"),),
        intermediates=tuple(map(_certificate, row.get("through", ()))),
        evidence=Evidence(crls=tuple(map(_crl, ("TrustAnchorRootCRL", *row.get("crls", ()))))),
        policy=Policy(
            revocation_mode=RevocationMode.REQUIRE,
            key_purpose=KeyPurpose.ANY,
            weak_algorithms=_WEAK,
            policies=PolicyInputs(
                initial_policy_set=_oids(row.get("accept", ("any",))),
                require_explicit_policy=row.get("explicit", False),
                inhibit_policy_mapping=row.get("no_mapping", False),
                inhibit_any_policy=row.get("no_any", False),
            ),
        ),
        at=AT,
        expected=expected,
    )


def _oids(policies: Iterable[str]) -> frozenset[str]:
    return frozenset(ANY_POLICY if one == "any" else f"{_NIST}.{one}" for one in policies)


def _certificate(name: str) -> bytes:
    return (DATA / "certs" / f"{name}.crt").read_bytes()


def _crl(name: str) -> bytes:
    return (DATA / "crls" / f"{name}.crl").read_bytes()
