"""The test PKI against a foreign judge: the `openssl` command line says what was built.

What OpenSSL 3.0 does not know (ML-DSA) is held against `cryptography` instead.
CRLs and OCSP answers have a file of their own.
"""

import doctest
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, get_type_hints

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.x509 import ocsp

from tests import pki
from tests.pki import (
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    Authority,
    CertificateOverrides,
    CertificateTemplate,
    CrlOverrides,
    CrlTemplate,
    DistributionPoint,
    Extension,
    OcspOverrides,
    OcspTemplate,
    algorithm_identifier,
    days,
    der,
    hours,
    key,
    oids,
    public_key,
)
from tests.pki.desk import Desk, openssl
from tests.pki.extensions import KeyUsage
from tests.pki.keys import DATA, STORED, KeyKind, StoredKind
from tests.pki.signing import HashName

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")
STRANGER: Final = Authority.root("Stranger")

OID: Final = x509.ObjectIdentifier("1.2.3.4")
RDN: Final = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relative")])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of the test's own."""
    return Desk(tmp_path)


# --- keys ------------------------------------------------------------------------------------------------------------


# OpenSSL 3.0 has no ML-DSA.
FOREIGN_KINDS: Final[tuple[KeyKind, ...]] = (
    *("p192", "p224", "p256", "p384", "p521", "ed25519", "ed448"),
    *("rsa512", "rsa1024", "rsa2048", "rsa3072", "rsa4096", "dsa2048"),
)


@pytest.mark.parametrize("kind", FOREIGN_KINDS)
def test_an_authority_of_every_kind_of_key_is_believed(desk: Desk, kind: KeyKind) -> None:
    """Certificates and CRLs signed by every kind that OpenSSL knows verify."""
    root = Authority.root("Root", key=key(kind), signature_hash="sha256")
    leaf = root.issue("leaf", key=key(kind, 1))
    assert desk.verify(leaf, root, crls=(root.crl(),)).endswith(": OK")
    assert desk.crl(root.crl(), root).startswith("verify OK")


@pytest.mark.parametrize(("kind", "oid"), [("mldsa44", "17"), ("mldsa65", "18"), ("mldsa87", "19")])
def test_an_authority_with_ml_dsa_is_believed(kind: KeyKind, oid: str) -> None:
    """ML-DSA certificates, CRLs and answers verify in `cryptography`, which has an OID to each."""
    root = Authority.root("Root", key=key(kind))
    leaf = root.issue("leaf", key=key(kind, 1))
    leaf.certificate.verify_directly_issued_by(root.certificate)
    assert leaf.certificate.signature_algorithm_oid.dotted_string == f"2.16.840.1.101.3.4.3.{oid}"
    public = root.certificate.public_key()
    assert isinstance(public, mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey)
    assert x509.load_der_x509_crl(root.crl()).is_signature_valid(public)
    answer = ocsp.load_der_ocsp_response(root.ocsp(leaf))
    public.verify(answer.signature, answer.tbs_response_bytes)


@pytest.mark.parametrize("kind", STORED)
def test_stored_keys_are_sound_and_differ(kind: StoredKind) -> None:
    """Every key in `data/` has the size in its name, passes OpenSSL's check, and is there once."""
    paths = [DATA / f"{kind}-{index}.pem" for index in range(STORED[kind])]
    for path in paths:
        assert f"Private-Key: ({kind[3:]} bit" in openssl("pkey", "-noout", "-text", "-in", path)
        assert "Key is valid" in openssl("pkey", "-noout", "-check", "-in", path)
    assert len(paths) == len({path.read_bytes() for path in paths})


def test_the_example_works() -> None:
    """The example at the top of the package does what it says."""
    result = doctest.testmod(pki)
    assert (0, True) == (result.failed, result.attempted > 10)


@pytest.mark.parametrize(
    ("overrides", "template"),
    [(CertificateOverrides, CertificateTemplate), (CrlOverrides, CrlTemplate), (OcspOverrides, OcspTemplate)],
)
def test_everything_in_a_template_can_be_overridden(overrides: type[object], template: type[object]) -> None:
    """The keyword arguments are the template's fields, with the same types."""
    assert get_type_hints(overrides) == get_type_hints(template)


def test_keys_are_the_same_on_every_run() -> None:
    """Another process derives the same keys, serial numbers and bytes."""
    program = "from tests.pki import *; import sys; sys.stdout.write(Authority.root('Root').subordinate('Sub').pem)"
    again = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert again.stdout == SUB.pem


def test_a_key_beyond_the_stored_ones_is_refused() -> None:
    """Asking for a stored key that is not there names those that are."""
    with pytest.raises(LookupError, match="rsa2048 has keys 0 to 3"):
        key("rsa2048", 4)


def test_a_public_key_of_16384_bits_fits_into_a_certificate(desk: Desk) -> None:
    """The certificate carries the big key, while its holder keeps an ordinary one."""
    leaf = SUB.issue("leaf", public_key=public_key("rsa16384"))
    assert "Public-Key: (16384 bit)" in desk.certificate(leaf)
    assert desk.verify(leaf, SUB, ROOT).endswith(": OK")


# --- certificates ----------------------------------------------------------------------------------------------------


def test_what_nobody_broke_verifies(desk: Desk) -> None:
    """A chain without overrides is right, for a TLS client, at both ends of its validity."""
    for moment in (NOT_BEFORE, NOT_AFTER - hours(1)):
        at = ("-attime", str(int(moment.timestamp())), "-x509_strict", "-purpose", "sslclient")
        assert desk.verify(LEAF, SUB, ROOT, options=at).endswith(": OK")


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"not_after": NOW - days(1)}, "certificate has expired"),
        ({"not_before": NOW + days(1)}, "certificate is not yet valid"),
        ({"not_after": b"\x17\x01?"}, "format error in certificate's notAfter field"),
        ({"corrupt_signature": True}, "certificate signature failure"),
        ({"signing_key": STRANGER.key}, "certificate signature failure"),
        ({"issuer_name": "Stranger"}, "unable to get local issuer certificate"),
        ({"authority_key_identifier": b"forged"}, "unable to get local issuer certificate"),
        ({"extended_key_usage": "serverAuth"}, "unsuitable certificate purpose"),
        ({"key_usage": {"keyEncipherment"}}, "unsuitable certificate purpose"),
        ({"extensions": [Extension("1.2.3", b"\x05\x00", critical=True)]}, "unhandled critical extension"),
    ],
)
def test_one_thing_broken_in_a_leaf(desk: Desk, overrides: CertificateOverrides, error: str) -> None:
    """OpenSSL refuses the leaf for exactly what was broken."""
    leaf = SUB.issue("leaf", **overrides)
    said = desk.verify(leaf, SUB, ROOT, options=("-purpose", "sslclient"))
    assert re.search(error.replace("unsuitable", "(unsuitable|unsupported)"), said), said


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"ca": False}, "invalid CA certificate"),
        ({"ca": None, "version": 1}, "invalid CA certificate"),
        ({"path_length": 0}, "path length constraint exceeded"),
        ({"key_usage": {"cRLSign"}}, "invalid CA certificate|does not include certificate signing"),
        ({"not_after": NOW - days(1)}, "certificate has expired"),
        ({"subject_key_identifier": b"forged", "key": key("p256", 1)}, "certificate signature failure"),
    ],
)
def test_one_thing_broken_in_a_subordinate(desk: Desk, overrides: CertificateOverrides, error: str) -> None:
    """OpenSSL refuses the chain for exactly what was broken in its middle."""
    broken = ROOT.subordinate("Sub", **overrides)
    below = SUB.subordinate("Below") if "path_length" in overrides else SUB
    path = (below, broken, ROOT) if "path_length" in overrides else (broken, ROOT)
    said = desk.verify(below.issue("leaf", authority_key_identifier=None), *path)
    assert re.search(error, said), said


def test_every_field_of_a_certificate_is_where_it_belongs(desk: Desk) -> None:
    """What was asked for is what OpenSSL reads."""
    said = desk.certificate(
        ROOT.subordinate(
            "CN=Full,O=Org",
            serial=0x1234,
            path_length=3,
            san=["DNS:a.example", "URI:spiffe://a/b", "email:a@example", "IP:192.0.2.1", x509.RegisteredID(OID)],
            extended_key_usage=["OCSPSigning", "1.2.3.4"],
            crl_urls=["http://crl.example/1", DistributionPoint(["http://crl.example/2"], None, {"keyCompromise"})],
            freshest_crl_urls=[DistributionPoint(relative_name=RDN, crl_issuer="Other")],
            ocsp_urls="http://ocsp.example/",
            ca_issuers=["http://ca.example/a", "http://ca.example/b"],
            policies=["1.2.3", "2.5.29.32.0"],
            subject_key_identifier=b"\xab" * 3,
            authority_key_identifier=b"\xcd" * 3,
            no_check=True,
            criticality={oids.KEY_USAGE: False},
            extensions=[Extension.of(x509.InhibitAnyPolicy(2), critical=True)],
        ).issued
    )
    for part in (
        *("Version: 3 (0x2)", "Serial Number: 4660 (0x1234)", "CA:TRUE, pathlen:3", "OCSP Signing, 1.2.3.4"),
        "DNS:a.example, URI:spiffe://a/b, email:a@example, IP Address:192.0.2.1, Registered ID:1.2.3.4",
        "Full Name: URI:http://crl.example/1 Full Name: URI:http://crl.example/2 Reasons: Key Compromise",
        *("OCSP - URI:http://ocsp.example/", "CA Issuers - URI:http://ca.example/b", "Policy: 1.2.3"),
        *("X509v3 Any Policy", "AB:AB:AB", "CD:CD:CD", "OCSP No Check", "X509v3 Inhibit Any Policy: critical 2"),
        *(
            "X509v3 Key Usage: Certificate Sign, CRL Sign",
            "X509v3 Freshest CRL",
            "Relative Name: CN",
            "CRL Issuer: DirName:",
        ),
    ):
        assert part in said, said


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ("digitalSignature", "Digital Signature"),
        ("contentCommitment", "Non Repudiation"),
        ("keyEncipherment", "Key Encipherment"),
        ("dataEncipherment", "Data Encipherment"),
        ("keyAgreement", "Key Agreement"),
        ("keyCertSign", "Certificate Sign"),
        ("cRLSign", "CRL Sign"),
        ("encipherOnly", "Encipher Only"),
        ("decipherOnly", "Decipher Only"),
    ],
)
def test_each_key_usage_is_its_own_bit(desk: Desk, usage: KeyUsage, said: str) -> None:
    """A usage alone, its companion missing or not, is written under its own name."""
    leaf = SUB.issue("leaf", key_usage={usage}, extended_key_usage=None)
    assert f"X509v3 Key Usage: critical {said} Signature Algorithm" in desk.certificate(leaf)


@pytest.mark.parametrize("serial", [0, 1, 127, 128, -1, (1 << 159) - 1, 1 << 200])
def test_any_serial_number_is_written(desk: Desk, serial: int) -> None:
    """Serial numbers that no authority should use are possible."""
    printed = openssl("x509", "-noout", "-serial", "-in", desk.put(SUB.issue("leaf", serial=serial).pem))
    assert int(printed.removeprefix("serial="), 16) == serial


def test_serial_numbers_are_positive_and_their_own() -> None:
    """Another name, issuer, key or validity is another serial number; another extension is not."""
    leaf = SUB.issue("leaf")
    others = [
        SUB.issue("other"),
        ROOT.issue("leaf"),
        SUB.issue("leaf", key=key("p256")),
        SUB.issue("leaf", not_after=NOW),
    ]
    assert len({leaf.serial, *(other.serial for other in others)}) == 5
    assert leaf.serial == SUB.issue("leaf", san="DNS:a").serial
    assert {64} == {SUB.issue(f"leaf {number}").serial.bit_length() for number in range(20)}


def test_the_same_name_with_another_key_is_somebody_else(desk: Desk) -> None:
    """A namesake of the root verifies nothing that the root signed."""
    namesake = Authority.root("Root", key=key("p256", 9), subject_key_identifier=ROOT.key_identifier)
    assert namesake.subject == ROOT.subject
    assert "certificate signature failure" in desk.verify(LEAF, SUB, namesake)


def test_cross_signing_leads_to_the_other_root(desk: Desk) -> None:
    """The same leaf chains to a stranger through a cross-certificate, and only through it."""
    cross = STRANGER.cross_sign(SUB)
    assert desk.verify(LEAF, cross, STRANGER).endswith(": OK")
    assert "unable to get local issuer" in desk.verify(LEAF, SUB, STRANGER)


def test_reissuing_rolls_the_key_over(desk: Desk) -> None:
    """The new root is no use for old leaves until it has signed the old key (RFC 4210 section 4.4)."""
    new = ROOT.reissue(key=key("p384", 1))
    old_with_new = new.cross_sign(ROOT)
    assert "unable to get local issuer" in desk.verify(LEAF, SUB, new)
    assert desk.verify(LEAF, SUB, old_with_new, new).endswith(": OK")
    assert desk.verify(new.issue("leaf"), new).endswith(": OK")
    renewed = SUB.reissue(not_after=NOW + days(800))
    assert desk.verify(LEAF, renewed, ROOT).endswith(": OK")
    assert renewed.serial != SUB.serial
    assert Authority.root("Root", serial=5).reissue(not_after=NOW).serial != 5


@pytest.mark.parametrize(("salt", "name"), [(20, "sha1"), (32, "sha256"), (0, "sha256"), (20, "sha512")])
def test_pss_is_declared_as_it_is_signed(desk: Desk, salt: int, name: HashName) -> None:
    """Certificates, CRLs and answers with RSASSA-PSS verify under any hash and salt length."""
    root = Authority.root("Root", key=key("rsa2048"), pss_salt_length=salt, signature_hash=name)
    leaf = root.issue("leaf", pss_salt_length=salt, signature_hash=name)
    crl = root.crl(pss_salt_length=salt, signature_hash=name)
    assert desk.verify(leaf, root, crls=(crl,)).endswith(": OK")
    assert f"Salt Length: 0x{salt:02X}" in desk.certificate(leaf)


def test_pss_leaves_its_defaults_out() -> None:
    """The parameters of SHA-1 with 20 octets of salt are an empty SEQUENCE (RFC 4055 section 3.1)."""
    written = algorithm_identifier(key("rsa2048"), "sha1", 20)
    assert der.seq(der.oid(oids.RSASSA_PSS), der.seq()) == written


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("rsa2048", name) for name in ("md5", "sha1", "sha224", "sha384", "sha512")),
        *(("p256", name) for name in ("sha1", "sha224", "sha384", "sha512")),
        *(("dsa2048", name) for name in ("sha1", "sha224")),  # OpenSSL 3.0 has no DSA with the others
    ],
)
def test_weak_and_strong_hashes_sign(desk: Desk, kind: KeyKind, name: HashName) -> None:
    """A certificate verifies under, and names, the hash that was asked for."""
    root = Authority.root("Root", key=key(kind))
    leaf = root.issue("leaf", signature_hash=name)
    assert re.search(f"Signature Algorithm: [^ ]*{name}", desk.certificate(leaf), re.IGNORECASE)
    assert desk.verify(leaf, root).endswith(": OK")


@pytest.mark.parametrize("kind", ["p256", "dsa2048"])
def test_a_hash_without_an_identifier_is_refused(kind: KeyKind) -> None:
    """ECDSA and DSA with MD5 cannot be written down."""
    with pytest.raises(LookupError):
        Authority.root("Root", key=key(kind), signature_hash="md5")


def test_the_two_algorithm_fields_may_disagree() -> None:
    """The algorithm inside the signed part and the one beside it are written as told."""
    inner, outer = (algorithm_identifier(SUB.key, name) for name in ("sha384", "sha512"))
    certificate = SUB.issue("leaf", inner_algorithm=inner, outer_algorithm=outer).der
    signed_part, beside, _ = der.children(certificate)
    assert (inner, outer) == (der.children(signed_part)[2], beside)


def test_version_1_has_no_extensions(desk: Desk) -> None:
    """A version 1 certificate says so and carries no extension."""
    said = desk.certificate(SUB.issue("leaf", version=1, san="DNS:a"))
    assert "Version: 1 (0x0)" in said
    assert "X509v3" not in said
