"""API Gateway hands over the leaf alone: what a service says that does not know the leaf's issuer."""

from contextlib import ExitStack
from pathlib import Path

from tests.adapters.s3.bucket import Bucket
from tests.e2e.front_doors.doors import is_refused, opened
from tests.e2e.front_doors.private_ca import Crls, PrivateCa, export
from tests.e2e.running import running_service
from tests.pki import bundle


def test_a_trust_store_with_the_root_alone(tmp_path: Path, bucket: Bucket) -> None:
    """A client that the gateway lets in is `untrusted` to a service with the root alone, which names who is missing."""
    root = PrivateCa.root("example.com", bucket, Crls.WHOLE)
    sub = root.subordinate()
    certificate = sub.request("private.example.com")
    shown = export(certificate, [sub, root], tmp_path / "client").decrypted()
    store = tmp_path / "root.pem"
    store.write_text(root.authority.pem)
    with ExitStack() as stack:
        revet = stack.enter_context(running_service(tmp_path, store))
        complete = bundle([sub.authority, root.authority]).encode()
        door = stack.enter_context(opened(tmp_path, complete, {"REVET_URL": revet.url}))

        assert is_refused(door.curl(shown))

        assert ["untrusted"] == door.codes()
        said = revet.validate(certificate.pem)
        assert ("deny", "untrusted") == (said["decision"], said["code"])
        assert "CN=sub.example.com" in said["detail"]


def test_intermediates_of_the_settings(tmp_path: Path, bucket: Bucket) -> None:
    """With the subordinate in REVET_INTERMEDIATES, a store with the root alone is enough."""
    root = PrivateCa.root("example.com", bucket, Crls.WHOLE)
    sub = root.subordinate()
    shown = export(sub.request("private.example.com"), [sub, root], tmp_path / "client").decrypted()
    store, intermediates = tmp_path / "root.pem", tmp_path / "intermediates.pem"
    store.write_text(root.authority.pem)
    intermediates.write_text(sub.authority.pem)
    settings = {"REVET_INTERMEDIATES": str(intermediates), "REVET_REVOCATION_MODE": "off"}
    with ExitStack() as stack:
        revet = stack.enter_context(running_service(tmp_path, store, settings))
        complete = bundle([sub.authority, root.authority]).encode()
        door = stack.enter_context(opened(tmp_path, complete, {"REVET_URL": revet.url}))

        assert 204 == door.curl(shown).status
