"""What is in the demonstration's PKI, and what revoking changes in it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from service.demo.clients import CLIENTS, Issuer
from service.demo.errors import NoPkiError, UnusablePkiError
from service.demo.pki import MIN_REMAINING, DemoPki
from tests.demo.conftest import CLOCK, UNSERVED
from tests.demo.openssl import openssl

NAMES = tuple(client.name for client in CLIENTS)
HOUR = timedelta(hours=1)


def chain(pki: DemoPki, client: str) -> list[x509.Certificate]:
    """A client's certificate and what is below it in the file."""
    return x509.load_pem_x509_certificates(pki.layout.certificate(client).read_bytes())


def crl(pki: DemoPki, authority: Issuer = Issuer.SUB) -> x509.CertificateRevocationList:
    """An authority's current CRL."""
    return x509.load_der_x509_crl(pki.layout.authority(authority).crl.read_bytes())


def crl_number(pki: DemoPki, authority: Issuer = Issuer.SUB) -> int:
    """The number of an authority's current CRL."""
    return crl(pki, authority).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_everything_is_there(pki: DemoPki) -> None:
    """What the issue names is there, and nothing of the making is left."""
    assert {"good", "revoked", "revoked-ocsp", "expired", "foreign", "ed25519"} <= set(NAMES)
    assert pki == DemoPki.load(pki.layout.directory, CLOCK.now())
    assert {"authorities", "certificates", "crl", "demo.json", "requests", "trust-store"} == {
        path.name for path in pki.layout.directory.iterdir()
    }


def test_authorities(pki: DemoPki) -> None:
    """The trust store has the subordinate on top and the root below, as AWS Private CA would have made them."""
    sub, root = x509.load_pem_x509_certificates(pki.layout.trust_store.read_bytes())

    assert ["CN=demo.example", "CN=sub.demo.example"] == [one.subject.rfc4514_string() for one in (root, sub)]
    assert timedelta(days=3650) == root.not_valid_after_utc - root.not_valid_before_utc
    assert [None, 0] == [
        one.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length for one in (root, sub)
    ]
    points = sub.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [[x509.UniformResourceIdentifier(UNSERVED.crl_url("root"))]] == [point.full_name for point in points]


@pytest.mark.parametrize(
    ("client", "verifies"), [(name, name not in {"expired", "foreign"}) for name in NAMES], ids=NAMES
)
def test_chains(pki: DemoPki, client: str, verifies: bool) -> None:
    """OpenSSL finds a path to the trust store for each client but the expired and the foreign one."""
    done = openssl("verify", "-purpose", "sslclient", "-CAfile", pki.layout.trust_store, pki.layout.certificate(client))

    assert verifies == (done.returncode == 0), done.stderr


@pytest.mark.parametrize("client", NAMES)
def test_client_files(pki: DemoPki, client: str) -> None:
    """The leaf is above its issuer, the key is the leaf's and the user's alone, and the request carries the chain."""
    leaf, issuer = chain(pki, client)
    key = load_pem_private_key(pki.layout.key(client).read_bytes(), None)

    leaf.verify_directly_issued_by(issuer)
    assert leaf.public_key() == key.public_key()
    assert isinstance(key, ed25519.Ed25519PrivateKey if client == "ed25519" else ec.EllipticCurvePrivateKey)
    assert 0o600 == pki.layout.key(client).stat().st_mode & 0o777
    request = json.loads(pki.layout.request(client).read_text())
    assert {"certificate": pki.layout.certificate(client).read_text()} == request


def test_keys_of_authorities_are_private(pki: DemoPki) -> None:
    """Nobody else can read a private key."""
    keys = list(pki.layout.directory.rglob("*.key"))

    assert len(NAMES) + 4 == len(keys)
    assert {0o600} == {path.stat().st_mode & 0o777 for path in keys}


@pytest.mark.parametrize(
    ("client", "crl_declared", "ocsp_declared"),
    [
        ("good", True, True),
        ("revoked", True, False),
        ("revoked-ocsp", False, True),
        ("ed25519", True, True),
        ("by-root", True, True),
        ("foreign", False, False),
    ],
)
def test_declared_sources(pki: DemoPki, client: str, crl_declared: bool, ocsp_declared: bool) -> None:
    """A client declares what it is there to show."""
    text = openssl("x509", "-in", pki.layout.certificate(client), "-noout", "-text").stdout
    authority = "root" if client == "by-root" else "sub"

    assert crl_declared == (f"URI:{UNSERVED.crl_url(authority)}\n" in text)
    assert ocsp_declared == (f"OCSP - URI:{UNSERVED.ocsp_url(authority)}\n" in text)


def test_first_crls(pki: DemoPki) -> None:
    """The subordinate's CRL lists the one revoked certificate, with reason and date; the root's is empty."""
    (entry,) = crl(pki)

    assert chain(pki, "revoked")[0].serial_number == entry.serial_number
    assert x509.ReasonFlags.key_compromise is entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    age = crl(pki).last_update_utc - entry.revocation_date_utc
    assert timedelta(days=7) == age
    assert 0 == len(list(crl(pki, Issuer.ROOT)))


def test_crl_names_its_distribution_point(pki: DemoPki) -> None:
    """A CRL covers the certificates that name it, and not the one that declares OCSP alone."""
    scope = crl(pki).extensions.get_extension_for_class(x509.IssuingDistributionPoint)

    assert scope.critical
    assert [x509.UniformResourceIdentifier(UNSERVED.crl_url("sub"))] == scope.value.full_name


@pytest.mark.parametrize("authority", [Issuer.ROOT, Issuer.SUB])
def test_crls_verify(pki: DemoPki, authority: Issuer) -> None:
    """OpenSSL verifies each CRL, which lives for a day."""
    files = pki.layout.authority(authority)

    done = openssl("crl", "-in", files.crl, "-inform", "DER", "-CAfile", pki.layout.trust_store, "-noout")

    assert "verify OK\n" == done.stderr
    one = crl(pki, authority)
    assert one.next_update_utc is not None
    assert timedelta(hours=24) == one.next_update_utc - one.last_update_utc


def test_renewal(pki: DemoPki) -> None:
    """A renewed CRL has the same entries, the next number, and the moment of its renewal."""
    later = CLOCK.now().replace(microsecond=0) + 13 * HOUR
    before = crl(pki)

    pki.renew_crls(later)

    assert [2, 2] == [crl_number(pki, authority) for authority in (Issuer.ROOT, Issuer.SUB)]
    assert later == crl(pki).last_update_utc
    assert [(one.serial_number, one.revocation_date_utc) for one in before] == [
        (one.serial_number, one.revocation_date_utc) for one in crl(pki)
    ]


def test_crls_are_due_after_half_their_validity(pki: DemoPki) -> None:
    """Twelve hours, to the second."""
    issued_at = crl(pki).last_update_utc

    assert not pki.are_crls_due(issued_at + 12 * HOUR - timedelta(seconds=1))
    assert pki.are_crls_due(issued_at + 12 * HOUR)


def test_revoking(pki: DemoPki) -> None:
    """Who is revoked is in the next CRL, with moment and reason, beside those who were there before."""
    at = CLOCK.now().replace(microsecond=0)

    pki.revoke("good", at, x509.ReasonFlags.superseded)

    entry = crl(pki).get_revoked_certificate_by_serial_number(chain(pki, "good")[0].serial_number)
    assert entry is not None
    assert at == entry.revocation_date_utc
    assert x509.ReasonFlags.superseded is entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert [2, 2] == [crl_number(pki), len(list(crl(pki)))]


def test_revoking_without_a_reason(pki: DemoPki) -> None:
    """An unspecified reason is told by saying nothing (RFC 5280 §5.3.1)."""
    pki.revoke("good", CLOCK.now(), x509.ReasonFlags.unspecified)

    entry = crl(pki).get_revoked_certificate_by_serial_number(chain(pki, "good")[0].serial_number)
    assert entry is not None
    assert 0 == len(entry.extensions)


def test_revoking_twice(pki: DemoPki) -> None:
    """What was revoked keeps its moment and reason."""
    (before,) = crl(pki)
    index = pki.layout.authority(Issuer.SUB).index.read_bytes()

    pki.revoke("revoked", CLOCK.now(), x509.ReasonFlags.superseded)

    (after,) = crl(pki)
    assert before.revocation_date_utc == after.revocation_date_utc
    assert index == pki.layout.authority(Issuer.SUB).index.read_bytes()


@pytest.mark.parametrize("client", ["foreign", "nobody"])
def test_revoking_what_was_never_issued(pki: DemoPki, client: str) -> None:
    """An authority revokes its own certificates only."""
    with pytest.raises(LookupError, match=client):
        pki.revoke(client, CLOCK.now())


def test_expiry(pki: DemoPki) -> None:
    """Until a week before the first certificate expires the PKI is used; the expired client does not count."""
    first = min(chain(pki, client)[0].not_valid_after_utc for client in NAMES if client != "expired")
    last_moment = first - MIN_REMAINING

    assert pki == DemoPki.load(pki.layout.directory, last_moment)
    with pytest.raises(UnusablePkiError, match=f"expires on {first:%Y-%m-%d}"):
        DemoPki.load(pki.layout.directory, last_moment + timedelta(seconds=1))


def test_empty_directory(tmp_path: Path) -> None:
    """Where nothing is, there never was a PKI."""
    with pytest.raises(NoPkiError):
        DemoPki.load(tmp_path, CLOCK.now())
