"""CRLs of the operator's whose issuer a request alone shows: real processes, real sockets, real files."""

from pathlib import Path
from typing import Any

import httpx

from tests.e2e.running import Service, running_service, until
from tests.e2e.test_prefetching import OFFLINE, SLOW, crl, settings
from tests.pki import Authority, Issued, bundle, key
from tests.pki.clock import validity_of_now


def ask(service: Service, certificate: Issued, issuer: Authority) -> dict[str, Any]:
    """What is decided about a certificate that comes with its issuer; nothing is fetched for it."""
    return service.validate(bundle([certificate, issuer]), **OFFLINE)


def test_the_first_request_is_answered_rightly(tmp_path: Path) -> None:
    """The trust store has the root alone; a worker learns from the request who Sub is, and has its CRL tried at once.

    What comes next is held before anybody asks, and whoever bears the name and has another key waits in vain.
    """
    root, other = (Authority.root(name, **validity_of_now()) for name in ("Root", "Other"))
    sub = root.subordinate("Sub", **validity_of_now())
    namesake = other.subordinate("Sub", **(validity_of_now() | {"key": key("p256", 1)}))
    good, bad = (sub.issue(name, **validity_of_now()) for name in ("good", "bad"))
    stranger = namesake.issue("stranger", **validity_of_now())
    trust_store, directory = tmp_path / "trust.pem", tmp_path / "crls"
    trust_store.write_text(bundle([root, other]))
    directory.mkdir()
    (directory / "sub.crl").write_bytes(crl(sub, 1, bad))
    named = settings(SLOW, CRL_SOURCES=str(directory))
    with running_service(tmp_path, trust_store, named, awaiting="answers") as service:
        until(lambda: "wrong_issuer" in httpx.get(f"{service.url}/readyz").text, "the CRL waits")
        assert "revocation_unavailable" == ask(service, stranger, namesake)["code"]
        denied = ask(service, bad, sub)
        assert ("revoked", 1) == (denied["code"], denied["path"][0]["revocation"]["crl_number"])
        assert "ok" == ask(service, good, sub)["code"]
        assert "revocation_unavailable" == ask(service, stranger, namesake)["code"]
        until(service.is_ready, "everything is held")
        (directory / ".next").write_bytes(crl(sub, 2, bad, good))
        (directory / ".next").rename(directory / "sub.crl")
        until(lambda: ask(service, good, sub)["code"] == "revoked", "the newer file is in force")


def test_what_nobody_has_signed_needs_an_answer(tmp_path: Path) -> None:
    """A file in the name of an authority, and no key of it under which it verifies: nothing of it is allowed."""
    root = Authority.root("Root", **validity_of_now())
    leaf = root.issue("leaf", **validity_of_now())
    trust_store, file = tmp_path / "trust.pem", tmp_path / "root.crl"
    trust_store.write_text(bundle([root]))
    signed = crl(root, 1)
    file.write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))
    with running_service(tmp_path, trust_store, settings(SLOW, CRL_SOURCES=str(file)), awaiting="answers") as service:
        until(lambda: "bad_signature" in httpx.get(f"{service.url}/readyz").text, "the CRL was tried")
        answer = ask(service, leaf, root)
        assert ("revocation_unavailable", True) == (answer["code"], "configured CRL" in str(answer["path"]))
