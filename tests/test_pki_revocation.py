"""The CRLs and OCSP answers of the test PKI against a foreign judge, the `openssl` command line.

What OpenSSL 3.0 does not know (ML-DSA) is held against `cryptography`, in `test_pki`.
"""

from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from tests.pki import (
    NOW,
    Answer,
    Authority,
    CrlOverrides,
    DistributionPoint,
    Entry,
    Extension,
    IssuingDistributionPoint,
    OcspOverrides,
    cert_id,
    days,
    der,
    hours,
    key,
    ocsp_error,
    oids,
)
from tests.pki.desk import Desk, openssl
from tests.pki.extensions import Reason
from tests.pki.keys import KeyKind
from tests.pki.ocsp import ResponseStatus
from tests.pki.signing import HashName

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")
OTHER: Final = SUB.issue("other")
STRANGER: Final = Authority.root("Stranger")
DELEGATE: Final = SUB.ocsp_responder("OCSP")
REASONS: Final[frozenset[Reason]] = frozenset(
    {
        *("keyCompromise", "cACompromise", "affiliationChanged", "superseded"),
        *("cessationOfOperation", "certificateHold", "privilegeWithdrawn", "aACompromise"),
    }
)
UNKNOWN_EXTENSION: Final = Extension("1.2.3.4", b"\x05\x00", critical=True)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of the test's own."""
    return Desk(tmp_path)


# --- CRLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({}, ": OK"),
        ({"revoked": {OTHER.serial: "keyCompromise"}}, ": OK"),
        ({"revoked": {LEAF.serial: None}}, "certificate revoked"),
        ({"revoked": [1, LEAF.serial, 1]}, "certificate revoked"),
        ({"revoked": {LEAF.serial: "removeFromCRL"}}, ": OK"),
        ({"version": 1, "revoked": {LEAF.serial: "superseded"}}, "certificate revoked"),
        ({"next_update": NOW - hours(1)}, "CRL has expired"),
        ({"next_update": None}, ": OK"),
        ({"this_update": NOW + hours(1)}, "CRL is not yet valid"),
        ({"corrupt_signature": True}, "CRL signature failure"),
        ({"signing_key": STRANGER.key}, "CRL signature failure"),
        ({"issuer_name": "Stranger"}, "unable to get certificate CRL"),
        ({"authority_key_identifier": b"forged"}, "unable to get certificate CRL"),
        ({"idp": IssuingDistributionPoint(only_user=True)}, ": OK"),
        ({"idp": IssuingDistributionPoint(only_ca=True)}, "different CRL scope"),
        ({"idp": IssuingDistributionPoint(only_attribute=True)}, "different CRL scope"),
        ({"idp": IssuingDistributionPoint(["http://crl.example/1"])}, "different CRL scope"),
        ({"idp": der.seq(der.implicit(2, der.TRUE))}, "different CRL scope"),
        ({"extensions": [UNKNOWN_EXTENSION]}, "unhandled critical CRL extension"),
        ({"extensions": [UNKNOWN_EXTENSION], "criticality": {UNKNOWN_EXTENSION.oid: False}}, ": OK"),
        ({"revoked": [Entry(1, extensions=[UNKNOWN_EXTENSION])]}, "unhandled critical CRL extension"),
    ],
)
def test_openssl_finds_in_a_crl_what_was_put_there(desk: Desk, overrides: CrlOverrides, said: str) -> None:
    """A CRL decides about the leaf as its overrides say, and is refused for exactly what was broken."""
    verdict = desk.verify(LEAF, SUB, ROOT, crls=(SUB.crl(**overrides),))
    assert said in verdict, verdict


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({}, ("verify OK", "Version 2 (0x1)", "CRL Number: 1", "No Revoked Certificates")),
        ({}, ("Last Update: Dec 31 23:00:00 2025 GMT", "Next Update: Jan 2 00:00:00 2026 GMT")),
        ({"number": 255, "delta_base": 7}, ("CRL Number: 255", "Delta CRL Indicator: critical 7")),
        ({"next_update": None, "number": None}, ("Next Update: NONE",)),
        ({"next_update": NOW + days(20000)}, ("Next Update: Oct 4 00:00:00 2080 GMT",)),
        ({"version": 1, "revoked": [Entry(5, "superseded")]}, ("verify OK", "Version 1 (0x0)", "Serial Number: 05")),
        ({"freshest_crl_urls": "http://crl.example/delta"}, ("Freshest CRL", "URI:http://crl.example/delta")),
        ({"revoked": {5: (NOW, "cACompromise")}}, ("Revocation Date: Jan 1 00:00:00 2026 GMT", "CA Compromise")),
        ({"revoked": [Entry(5, 7)]}, ("Reason Code",)),
        ({"revoked": [Entry(5, invalidity_date=NOW)]}, ("Invalidity Date: Jan 1 00:00:00 2026 GMT",)),
        ({"revoked": [Entry(5, certificate_issuer="CN=Them")]}, ("Certificate Issuer: critical DirName:", "Them")),
        ({"corrupt_signature": True}, ("verify failure",)),
        ({"signature_hash": "sha384"}, ("verify OK", "ecdsa-with-SHA384")),
        ({"authority_key_identifier": b"\xab\xab"}, ("AB:AB",)),
    ],
)
def test_every_field_of_a_crl_is_where_it_belongs(desk: Desk, overrides: CrlOverrides, parts: tuple[str, ...]) -> None:
    """What was asked for is what OpenSSL reads."""
    said = desk.crl(SUB.crl(**overrides), SUB)
    assert [] == [part for part in parts if part not in said], said


def test_an_issuing_distribution_point_says_everything(desk: Desk) -> None:
    """All six fields of the extension are read back."""
    point = IssuingDistributionPoint(
        ["http://crl.example/1", x509.DirectoryName(x509.Name([]))],
        only_user=True,
        only_ca=True,
        only_attribute=True,
        only_some_reasons={"keyCompromise", "aACompromise"},
        indirect=True,
    )
    said = desk.crl(SUB.crl(idp=point), SUB)
    for part in (
        "Issuing Distribution Point: critical Full Name: URI:http://crl.example/1 DirName:",
        *("Only User Certificates", "Only CA Certificates", "Only Attribute Certificates"),
        *("Only Some Reasons: Key Compromise, AA Compromise", "Indirect CRL"),
    ):
        assert part in said, said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("keyCompromise", "Key Compromise"),
        ("cACompromise", "CA Compromise"),
        ("affiliationChanged", "Affiliation Changed"),
        ("superseded", "Superseded"),
        ("cessationOfOperation", "Cessation Of Operation"),
        ("certificateHold", "Certificate Hold"),
        ("privilegeWithdrawn", "Privilege Withdrawn"),
        ("aACompromise", "AA Compromise"),
    ],
)
def test_each_reason_has_its_code_and_its_flag(desk: Desk, reason: Reason, said: str) -> None:
    """The reason of an entry, and the reasons that a CRL is limited to, read as they were meant."""
    crl = desk.crl(SUB.crl(revoked={5: reason}, idp=IssuingDistributionPoint(only_some_reasons={reason})), SUB)
    assert f"Only Some Reasons: {said} Revoked" in crl
    assert f"CRL Reason Code: {said} Signature" in crl


@pytest.mark.parametrize(("reason", "said"), [("unspecified", "Unspecified"), ("removeFromCRL", "Remove From CRL")])
def test_reasons_without_a_flag_have_a_code(desk: Desk, reason: Reason, said: str) -> None:
    """The two reasons that no CRL can be limited to are still reasons of an entry."""
    assert f"CRL Reason Code: {said} Signature" in desk.crl(SUB.crl(revoked={5: reason}), SUB)


def test_version_1_and_emptiness_leave_things_out(desk: Desk) -> None:
    """Version 1 has no extensions of either kind, and a CRL without entries has no empty list."""
    bare = SUB.crl(version=1, revoked=[Entry(5, "superseded", extensions=[UNKNOWN_EXTENSION])])
    assert "xtensions" not in desk.crl(bare, SUB)
    signed_part, *_ = der.children(SUB.crl())
    assert der.seq() not in der.children(signed_part)


def test_a_delta_crl_adds_to_its_base(desk: Desk) -> None:
    """A base that points to a delta CRL lets the leaf pass until the delta revokes it."""
    base = SUB.crl(number=1, freshest_crl_urls="http://crl.example/delta")
    deltas = ("-extended_crl", "-use_deltas")
    for revoked, said in ((OTHER, ": OK"), (LEAF, "certificate revoked")):
        delta = SUB.crl(number=2, delta_base=1, revoked=[revoked.serial])
        assert said in desk.verify(LEAF, SUB, ROOT, crls=(base, delta), options=deltas)


def test_an_indirect_crl_speaks_for_another_issuer(desk: Desk) -> None:
    """An entry of a CRL issuer revokes the certificate whose issuer it names, and nobody else's."""
    crl_issuer = ROOT.subordinate("CRL issuer")
    point = IssuingDistributionPoint(["http://crl.example/all"], indirect=True)
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint(["http://crl.example/all"], crl_issuer="CRL issuer")])
    for issuer, said in (("Sub", "certificate revoked"), ("Stranger", ": OK")):
        crl = crl_issuer.crl(idp=point, revoked=[Entry(leaf.serial, certificate_issuer=issuer)])
        assert said in desk.verify(leaf, SUB, crl_issuer, ROOT, crls=(crl,), options=("-extended_crl",))


def test_a_crl_for_some_reasons_revokes_for_those(desk: Desk) -> None:
    """Two CRLs by reason cover the leaf together, and one of them does not."""
    others = IssuingDistributionPoint(only_some_reasons=REASONS - {"keyCompromise"})
    some = SUB.crl(idp=IssuingDistributionPoint(only_some_reasons={"keyCompromise"}))
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint(["http://crl.example/1"])])
    extended = ("-extended_crl",)
    assert "unable to get certificate CRL" in desk.verify(leaf, SUB, ROOT, crls=(some,), options=extended)
    assert ": OK" in desk.verify(leaf, SUB, ROOT, crls=(some, SUB.crl(idp=others)), options=extended)


def test_entries_keep_their_order_and_their_duplicates(desk: Desk) -> None:
    """A CRL lists serial numbers as they were given, which need not be sorted or unique."""
    serials = [9, 3, 9, 1 << 70, -1]
    said = openssl("asn1parse", "-inform", "DER", "-in", desk.put(SUB.crl(revoked=serials)))
    places = [said.index(f":{value}", 200) for value in ("09", "03", "400000000000000000", "-01")]
    assert sorted(places) == places
    assert serials == [entry.serial_number for entry in x509.load_der_x509_crl(SUB.crl(revoked=serials))]


@pytest.mark.parametrize("kind", ["rsa2048", "ed25519", "ed448"])
def test_another_key_signs_a_crl(desk: Desk, kind: KeyKind) -> None:
    """The override of the key brings its own algorithm; PSS does where there is a salt length."""
    rolled = SUB.reissue(key=key(kind))
    assert desk.crl(SUB.crl(signing_key=key(kind)), rolled).startswith("verify OK")
    if kind == "rsa2048":
        said = desk.crl(SUB.crl(signing_key=key(kind), pss_salt_length=32), rolled)
        assert said.startswith("verify OK")
        assert "rsassaPss" in said


# --- OCSP ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({}, ("Response verify OK", ": good", "Responder Id: CN", "Produced At: Dec 31 23:00:00 2025 GMT")),
        ({"status": "unknown"}, ("Response verify OK", ": unknown")),
        ({"status": "revoked"}, (": revoked", "Revocation Time: Dec 31 00:00:00 2025 GMT")),
        ({"status": "revoked", "reason": "keyCompromise"}, (": revoked", "Reason: keyCompromise")),
        ({"status": "revoked", "revoked_at": NOW, "reason": 6}, ("Jan 1 00:00:00 2026 GMT", "certificateHold")),
        ({"next_update": None, "produced_at": NOW}, (": good", "Produced At: Jan 1 00:00:00 2026 GMT")),
        ({"this_update": NOW + hours(2)}, ("This Update: Jan 1 02:00:00 2026 GMT",)),
        ({"responder_id": "key"}, ("Response verify OK", f"Responder Id: {SUB.key_identifier.hex().upper()}")),
        ({"responder": DELEGATE}, ("Response verify OK", "OCSP No Check", ": good")),
        ({"responder": DELEGATE, "responder_id": "key"}, ("Response verify OK", ": good")),
        ({"responder": DELEGATE, "certificates": ()}, ("signer certificate not found",)),
        ({"responder": SUB.issue("OCSP")}, ("Response Verify Failure", "missing ocspsigning usage")),
        ({"responder": STRANGER.ocsp_responder("OCSP")}, ("Response Verify Failure",)),
        ({"certificates": [SUB.issued, LEAF.der]}, ("Response verify OK", "Subject: CN = leaf|Subject: CN=leaf")),
        ({"corrupt_signature": True}, ("Response Verify Failure",)),
        ({"signing_key": STRANGER.key}, ("Response Verify Failure",)),
        ({"responder_id": der.explicit(1, STRANGER.subject)}, ("signer certificate not found",)),
        ({"nonce": b"0123456789abcdef"}, ("OCSP Nonce: 041030313233343536373839616263646566",)),
        ({"extensions": [UNKNOWN_EXTENSION]}, ("Response Extensions: 1.2.3.4: critical",)),
        ({"single_extensions": [UNKNOWN_EXTENSION]}, ("Response Single Extensions: 1.2.3.4: critical",)),
        ({"cert_id_issuer": STRANGER.issued}, ("No Status found",)),
        ({"cert_id": cert_id(OTHER.serial, SUB.issued)}, ("No Status found",)),
        ({"signature_hash": "sha512"}, ("Response verify OK", "ecdsa-with-SHA512")),
        ({"response_type": "1.2.3"}, ("not basic response|unknown response type|response type",)),
        ({"response_status": "internalError"}, ("Responder Error: internalerror (2)",)),
    ],
)
def test_openssl_finds_in_an_answer_what_was_put_there(
    desk: Desk, overrides: OcspOverrides, parts: tuple[str, ...]
) -> None:
    """An answer about the leaf says what its overrides say, and is refused for exactly what was broken."""
    said = desk.ocsp(SUB.ocsp(LEAF, **overrides), ROOT, SUB, LEAF)
    assert [] == [part for part in parts if not any(form in said for form in part.split("|"))], said


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha384", "sha512"])
def test_a_cert_id_under_any_hash(desk: Desk, name: HashName) -> None:
    """OpenSSL, asking under the same hash, finds the certificate; asking under SHA-1, only that one."""
    answer = desk.put(SUB.ocsp(LEAF, cert_id_hash=name))
    known = ("-issuer", desk.put(SUB.pem), "-CAfile", desk.put(ROOT.pem), "-noverify", "-respin", answer)
    assert ": good" in openssl("ocsp", *known, f"-{name}", "-cert", desk.put(LEAF.pem))
    assert ("No Status found" in openssl("ocsp", *known, "-cert", desk.put(LEAF.pem))) is (name != "sha1")


def test_one_answer_for_several_certificates(desk: Desk) -> None:
    """Single responses keep their order, and each speaks for itself."""
    answers = (Answer(OTHER, status="revoked", reason="superseded"), Answer(5, cert_id_hash="sha256", next_update=None))
    answer = SUB.ocsp(LEAF, *answers, status="unknown", responder=DELEGATE)
    said = desk.ocsp(answer, ROOT, SUB, LEAF, OTHER)
    assert "Response verify OK" in said
    assert said.count("Certificate ID:") == 3
    assert said.index(": unknown") < said.index("Cert Status: revoked") < said.index("Cert Status: good")
    singles = list(ocsp.load_der_ocsp_response(answer).responses)
    assert [LEAF.serial, OTHER.serial, 5] == [single.serial_number for single in singles]
    assert [False, False, True] == [single.next_update_utc is None for single in singles]


def test_an_answer_for_nobody(desk: Desk) -> None:
    """An answer without a single response is well signed and says nothing."""
    said = desk.ocsp(SUB.ocsp(), ROOT, SUB, LEAF)
    assert "Response verify OK" in said
    assert "No Status found" in said


@pytest.mark.parametrize(
    ("status", "number"),
    [("malformedRequest", 1), ("internalError", 2), ("tryLater", 3), ("sigRequired", 5), ("unauthorized", 6)],
)
def test_errors_have_no_body(desk: Desk, status: ResponseStatus, number: int) -> None:
    """An error is its number and nothing else."""
    assert f"Responder Error: {status.lower()} ({number})" in desk.ocsp(ocsp_error(status), ROOT, SUB, LEAF)


@pytest.mark.parametrize("kind", ["rsa1024", "rsa2048", "p384", "p521", "ed25519", "ed448", "dsa2048"])
def test_a_responder_of_every_kind_of_key_is_believed(desk: Desk, kind: KeyKind) -> None:
    """Delegates sign with their own key's algorithm."""
    delegate = SUB.ocsp_responder("OCSP", key=key(kind))
    assert "Response verify OK" in desk.ocsp(SUB.ocsp(LEAF, responder=delegate), ROOT, SUB, LEAF)


def test_a_responder_signs_with_pss(desk: Desk) -> None:
    """RSASSA-PSS is named and verifies."""
    delegate = SUB.ocsp_responder("OCSP", key=key("rsa2048"))
    said = desk.ocsp(SUB.ocsp(LEAF, responder=delegate, pss_salt_length=32), ROOT, SUB, LEAF)
    assert "Response verify OK" in said
    assert "rsassaPss" in said


def test_no_check_and_no_rev_avail_are_the_extensions_of_their_rfcs() -> None:
    """Both hold a NULL, and neither is critical."""
    leaf = SUB.issue("leaf", no_check=True, no_rev_avail=True)
    found = {item.oid.dotted_string: item for item in leaf.certificate.extensions}
    for oid in (oids.OCSP_NO_CHECK, oids.NO_REV_AVAIL):
        assert (False, b"\x05\x00") == (found[oid].critical, found[oid].value.public_bytes())
