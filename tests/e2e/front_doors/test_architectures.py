"""The three architectures that Revet has to fit into, as their users have them, row by row.

| users have | what must work |
| --- | --- |
| a REST API with mutual TLS, trust store in S3, an authorizer that fails hard, results kept | 204; 403 when revoked |
| AWS Private CA: root and subordinate, certificates exported from ACM, CRLs in the CA's bucket | the same files |
| a private network: load balancers, private and self-signed certificates | what is ours verifies whom it calls |

Everything is real but AWS: TLS, curl, the service's processes, the authorizer in a process of its own as Lambda has it.
`service.demo.gateway` stands for API Gateway, moto's server for S3, a pipe of octets for a Network Load Balancer.
"""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.demo.gateway.integration import Integration, Proxy
from service.demo.gateway.model import AuthorizerSettings
from tests.adapters.s3.bucket import Bucket
from tests.demo.gateway.clients import Answer
from tests.e2e.front_doors.devices import Maker
from tests.e2e.front_doors.doors import (
    BOUND,
    NOWHERE,
    has_no_connection,
    is_an_error,
    is_refused,
    opened,
    own_certificate,
    refresh,
    s3_settings,
)
from tests.e2e.front_doors.network import load_balancer, self_signed_backend
from tests.e2e.front_doors.openapi import (
    authorizer_of,
    request_parameters_of,
    resources_of,
    skips_verification,
    template,
)
from tests.e2e.front_doors.private_ca import Crls, PrivateCa, crl_settings, export
from tests.e2e.published import publishing
from tests.e2e.running import running_service
from tests.pki import bundle


def test_rest_api_that_fails_hard_and_keeps_results(tmp_path: Path, bucket: Bucket) -> None:
    """204 for the good certificate, 403 for the revoked one, and what is kept is bound to one certificate."""
    keep = AuthorizerSettings(BOUND, result_ttl_s=300)
    with publishing() as published, ExitStack() as stack:
        maker, another = (Maker.of(name, published) for name in ("Maker of vehicles", "Maker of trailers"))
        bucket.put("truststore.pem", bundle([another.authority, maker.authority]).encode())
        truck, van = (maker.device(name, tmp_path) for name in ("truck-1", "van-22"))
        lost = another.device("trailer-3", tmp_path)
        maker.publish()
        revet = stack.enter_context(
            running_service(tmp_path, NOWHERE, s3_settings(bucket, "truststore.pem", REVET_REVOCATION_MODE="hard-fail"))
        )
        asked = {"REVET_URL": revet.url, "REVET_FAIL_MODE": "error"}
        door = stack.enter_context(opened(tmp_path, bucket.get("truststore.pem"), asked, settings=keep))

        assert has_no_connection(door.curl(None))
        assert [204, 204] == [door.curl(one).status for one in (truck, van)]
        assert [204, 204] == [door.curl(one).status for one in (truck, van)]
        assert ["ok", "ok"] == door.codes(), "one result was kept for each of them"

        maker.revoke("truck-1")
        refresh(revet.url)
        assert 204 == door.curl(truck).status, "API Gateway keeps what it was told until the time is over"
        door.clock.skip(301)
        assert is_refused(door.curl(truck))
        assert [204, 204] == [door.curl(van).status, door.curl(van).status]
        assert is_refused(door.curl(truck)), "the refusal is kept for the certificate that it is about"
        assert ["ok", "ok", "revoked", "ok"] == door.codes()

        assert is_an_error(door.curl(lost)), "hard-fail: its maker publishes no CRL"
        another.publish()
        refresh(revet.url)
        assert 204 == door.curl(lost).status, "an error is not kept"


@pytest.mark.parametrize(
    ("trust_store", "crls"),
    [("sub above root", Crls.WHOLE), ("sub above root", Crls.PARTITIONED), ("sub alone", Crls.WHOLE)],
)
def test_aws_private_ca(tmp_path: Path, bucket: Bucket, trust_store: str, crls: Crls) -> None:
    """The trust store as it was uploaded, certificates as ACM exports them, CRLs as they are in the CA's bucket."""
    root = PrivateCa.root("example.com", bucket, crls)
    sub = root.subordinate()
    body, chain = sub.authority, root.authority
    bucket.put("truststore.pem", bundle([body, chain] if trust_store == "sub above root" else [body]).encode())
    by_sub, by_root = sub.request("private.example.com"), root.request("private2.example.com")
    exports = [export(by_sub, [sub, root], tmp_path / "1"), export(by_root, [root], tmp_path / "2")]
    for authority in (root, sub):
        authority.publish()
    with ExitStack() as stack:
        revet = stack.enter_context(
            running_service(tmp_path, NOWHERE, s3_settings(bucket, "truststore.pem", **crl_settings(bucket)))
        )
        door = stack.enter_context(opened(tmp_path, bucket.get("truststore.pem"), {"REVET_URL": revet.url}))

        assert has_no_connection(door.curl(None)), "execute-api is off, and mutual TLS is on"
        for issuer, certificate, files in zip((sub, root), (by_sub, by_root), exports, strict=True):
            if issuer is root and trust_store == "sub alone":
                assert has_no_connection(door.curl(files.decrypted())), "its issuer is in nobody's trust store"
                continue
            assert 204 == door.curl(files.decrypted()).status
            assert 204 == door.curl(files.encrypted(), "--pass", files.passphrase).status
            issuer.revoke(certificate)
            refresh(revet.url)
            assert is_refused(door.curl(files.decrypted()))


def test_private_network_with_tls_from_end_to_end(tmp_path: Path, bucket: Bucket) -> None:
    """The authorizer verifies the service through its load balancer; the backend's certificate is the user's choice."""
    root = PrivateCa.root("example.com", bucket, Crls.WHOLE)
    sub = root.subordinate()
    trust_store = bundle([sub.authority, root.authority]).encode()
    bucket.put("truststore.pem", trust_store)
    client = sub.request("private.example.com")
    shown = export(client, [sub, root], tmp_path / "client").decrypted()
    sub.publish()
    root.publish()
    own, stranger = (own_certificate(tmp_path / name, "127.0.0.1") for name in ("revet", "stranger"))
    tls = {"REVET_TLS_CERT": str(own.certificate), "REVET_TLS_KEY": str(own.key)}
    with ExitStack() as stack:
        revet = stack.enter_context(
            running_service(
                *(tmp_path, NOWHERE, s3_settings(bucket, "truststore.pem", **crl_settings(bucket), **tls)),
                management=True,
            )
        )
        address = stack.enter_context(load_balancer(revet.url.removeprefix("http://")))
        backend = stack.enter_context(self_signed_backend(tmp_path))
        url = f"https://{stack.enter_context(load_balancer(backend.address))}"
        set_by = request_parameters_of(template())
        of_user = Proxy.pinning(url, backend.certificate).mapping(set_by)
        verified = Proxy.verified(url, own.authority.read_bytes()).mapping(set_by)

        def curl(authority: Path | None, fail_mode: str, integration: Integration) -> Answer:
            environment = {"REVET_URL": f"https://{address}", "REVET_FAIL_MODE": fail_mode}
            files = []
            if authority is not None:
                environment["REVET_CA_BUNDLE"] = authority.name
                files = [authority]
            with opened(
                tmp_path,
                trust_store,
                environment,
                *files,
                api=resources_of(template()),
                settings=authorizer_of(template()),
                integration=integration,
            ) as door:
                forged = ("-H", "X-Revet-Subject: CN=somebody else")
                return door.curl(shown, *forged, f"{door.gateway.url}/devices/7?x=1")

        assert not skips_verification(template()), "who has such a backend adds tlsConfig, and this gateway obeys it:"
        seen = curl(own.authority, "closed", of_user)
        assert 200 == seen.status
        assert ["CN=private.example.com"] == json.loads(seen.body)["x-revet-subject"], "and not what the client says"
        assert 500 == curl(own.authority, "closed", verified).status, "without it: PKIX path building failed"

        assert is_refused(curl(stranger.authority, "closed", of_user)), "another private CA does not vouch for Revet"
        assert is_refused(curl(None, "closed", of_user)), "and no public one does"
        assert is_an_error(curl(stranger.authority, "error", of_user))

        sub.revoke(client)
        refresh(f"https://{address}", own.authority)
        assert is_refused(curl(own.authority, "closed", of_user))
