"""Issue, revoke, CRL to S3: the cycle of AWS Private CA against moto's servers, as far as they go.

| step | done by |
| --- | --- |
| create a root and a subordinate, signing requests, import of their certificates | moto, through AWS's own client |
| the root's certificate; certificates of clients from their signing requests | moto |
| the subordinate's certificate | here, with the root's key: moto would leave basicConstraints out |
| revoke | moto, which remembers it |
| the CRL into the bucket, `crl/CA-ID.crl` | here, with the authority's key: moto writes none |
| where certificates say that their CRL is | nobody: moto leaves the extension out, so that `REVET_CRL_SOURCES` has to |
| a private certificate requested in ACM, signed by the authority | nobody: moto's is self-signed; its export is real |

Whether AWS itself behaves as documented is not tested: nothing here speaks to AWS.
"""

from contextlib import ExitStack
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from service.demo.gateway.client_cert import colon_hex
from tests.adapters.s3.bucket import Bucket
from tests.demo.openssl import openssl
from tests.e2e.front_doors.doors import NOWHERE, Shown, is_refused, opened, refresh, s3_settings
from tests.e2e.front_doors.moto_ca import MotoCa, aws_client
from tests.e2e.front_doors.private_ca import Crls, PrivateCa, crl_settings, export
from tests.e2e.running import running_service


def client(authority: MotoCa, name: str, directory: Path) -> tuple[Shown, str]:
    """A client's own key, its signing request, what the authority issues for it, and its serial number in colon-hex."""
    directory.mkdir()
    key, request = directory / "client.key", directory / "client.csr"
    made = openssl(
        *("req", "-new", "-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", request),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
    )
    assert 0 == made.returncode, made.stderr
    issued = authority.get(authority.issue(request.read_bytes()))
    shown = Shown(directory / "crt.pem", key)
    shown.certificate.write_bytes(issued + b"\n" + authority.certificate)
    return shown, colon_hex(x509.load_pem_x509_certificate(issued).serial_number)


def test_issue_revoke_and_crl_to_s3(tmp_path: Path, bucket: Bucket) -> None:
    """A client of the subordinate and one of the root get in, until each is revoked and its CRL is in the bucket."""
    pca = aws_client("acm-pca", bucket.endpoint)
    root = MotoCa.root(pca, "example.com", bucket)
    sub = root.subordinate()
    trust_store = sub.certificate + b"\n" + sub.chain
    bucket.put("truststore.pem", trust_store)
    for authority in (root, sub):
        authority.publish()
    clients = [(one, *client(one, f"{n}.example.com", tmp_path / str(n))) for n, one in enumerate((sub, root))]
    with ExitStack() as stack:
        settings = s3_settings(bucket, "truststore.pem", **crl_settings(bucket))
        revet = stack.enter_context(running_service(tmp_path, NOWHERE, settings))
        door = stack.enter_context(opened(tmp_path, bucket.get("truststore.pem"), {"REVET_URL": revet.url}))

        for issuer, shown, serial in clients:
            assert 204 == door.curl(shown).status
            issuer.revoke(serial)
            refresh(revet.url)
            assert is_refused(door.curl(shown))
        assert ["ok", "revoked"] * 2 == door.codes()
    pca.close()


def test_what_openssl_says_of_the_cycle(tmp_path: Path, bucket: Bucket) -> None:
    """OpenSSL builds the same paths and finds the same revocation in the CRL that was put into the bucket."""
    pca = aws_client("acm-pca", bucket.endpoint)
    root = MotoCa.root(pca, "example.com", bucket)
    sub = root.subordinate()
    shown, serial = client(sub, "0.example.com", tmp_path / "client")
    store, crl = tmp_path / "store.pem", tmp_path / "crl.der"
    store.write_bytes(sub.certificate + b"\n" + sub.chain)
    verify = ("verify", "-CAfile", store, "-purpose", "sslclient", "-crl_check", "-CRLfile", crl, shown.certificate)

    sub.publish()
    crl.write_bytes(bucket.get(sub.object))
    assert 0 == openssl(*verify).returncode

    sub.revoke(serial)
    crl.write_bytes(bucket.get(sub.object))
    assert "certificate revoked" in openssl(*verify).stderr
    pca.close()


def test_what_acm_exports(tmp_path: Path, bucket: Bucket) -> None:
    """A key that moto's ACM exports has the form of those that the tests here make, and opens with its passphrase."""
    acm, pca = (aws_client(service, bucket.endpoint) for service in ("acm", "acm-pca"))
    arn = MotoCa.root(pca, "example.com", bucket).arn
    requested = acm.request_certificate(DomainName="private.example.com", CertificateAuthorityArn=arn)
    exported = acm.export_certificate(CertificateArn=requested["CertificateArn"], Passphrase=b"correct-horse")
    here = PrivateCa.root("example.com", bucket, Crls.WHOLE)
    made = export(here.request("private.example.com"), [here], tmp_path / "export")

    private = exported["PrivateKey"]
    assert (
        private.splitlines()[0] == made.private.read_text().splitlines()[0] == "-----BEGIN ENCRYPTED PRIVATE KEY-----"
    )
    body = x509.load_pem_x509_certificate(exported["Certificate"].encode())
    assert body.public_key() == load_pem_private_key(private.encode(), b"correct-horse").public_key()
    acm.close()
    pca.close()
