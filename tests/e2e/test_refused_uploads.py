"""Uploads that are no CRL for this service, with real processes: each is refused by name, and leaves nothing behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.running import Service, running_service, until
from tests.pki import Authority, Issued, key, pem
from tests.pki.clock import now, validity_of_now

ROOT: Final = Authority.root("Root", **validity_of_now())
NAMESAKE: Final = Authority.root("Root", **(validity_of_now() | {"key": key("p256", 1)}))
STRANGER: Final = Authority.root("Stranger", **validity_of_now())
REVOKED: Final = ROOT.issue("revoked", **validity_of_now())
GOOD: Final = ROOT.issue("good", **validity_of_now())

HELD_NUMBER: Final = 5
MAX_BYTES: Final = 4096
KEPT: Final = "root.crl"


def crl(number: int, issuer: Authority = ROOT, age: timedelta = timedelta(minutes=1)) -> bytes:
    """A CRL that is good for a day and has no entries: in force it would take back the revocation that is held."""
    return issuer.crl(number=number, this_update=now() - age, next_update=now() + timedelta(days=1))


NEWER: Final = crl(HELD_NUMBER + 1)


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody who uploads to a service.

    Attributes:
        data: The service's data directory.
    """

    service: Service
    data: Path

    def put(self, content: bytes | Iterator[bytes], name: str = "new.crl", media_type: str = "") -> httpx.Response:
        """Upload something."""
        headers = {"content-type": media_type} if media_type else {}
        return httpx.put(f"{self.service.url}/v1/crls/uploads/{name}", content=content, headers=headers, timeout=70)

    def get(self, path: str) -> dict[str, Any]:
        """An answer; 200 is taken for granted."""
        answer = httpx.get(f"{self.service.url}{path}", timeout=10)
        assert httpx.codes.OK == answer.status_code, answer.text
        return dict(answer.json())

    def codes(self, certificate: Issued) -> set[str]:
        """What the workers say, asked often enough that each of the two is."""
        return {self.service.validate(certificate.pem)["code"] for _ in range(16)}

    def files(self) -> dict[str, bytes]:
        """Everything that is on the disk of CRLs as they came: uploaded, waiting, or being read."""
        rooms = [self.data / name for name in ("uploads", "pending", "spool")]
        paths = [path for room in rooms for path in room.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.data)): path.read_bytes() for path in paths}

    def holds(self) -> tuple[object, ...]:
        """What is held, and everything that gave it or may."""
        crls = [
            # What is due is looked at again at any moment, and is as much in force as what is fresh.
            (line["source"], "fresh" if line["status"] == "due" else line["status"], line["crl_number"])
            for line in self.get("/v1/crls")["crls"]
        ]
        return crls, self.get("/v1/crls/uploads")["uploads"], self.files()


@pytest.fixture(scope="module")
def administrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    """Of a service that trusts one root, and holds a CRL of it that was uploaded and revokes one certificate."""
    tmp_path = tmp_path_factory.mktemp("refused-uploads")
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(ROOT.pem)
    with running_service(tmp_path, trust_store, {"REVET_MAX_CRL_BYTES": str(MAX_BYTES)}) as service:
        administrator = Administrator(service, tmp_path / "data")
        held = ROOT.crl(
            number=HELD_NUMBER,
            revoked=[REVOKED.serial],
            this_update=now() - timedelta(hours=1),
            next_update=now() + timedelta(days=1),
        )
        answer = administrator.put(held, KEPT)
        assert (200, "held") == (answer.status_code, answer.json()["outcome"])
        yield administrator


REFUSED: Final = [
    pytest.param(b"", "malformed", "new.crl", id="nothing"),
    pytest.param(b"garbage", "malformed", KEPT, id="garbage over another"),
    pytest.param(NEWER[:-1], "malformed", "new.crl", id="cut short"),
    pytest.param(b"-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n", "malformed", "new.crl", id="broken PEM"),
    pytest.param(ROOT.der, "malformed", "new.crl", id="a certificate"),
    pytest.param(ROOT.ocsp(REVOKED.serial), "malformed", "new.crl", id="an OCSP answer"),
    pytest.param(crl(HELD_NUMBER + 1, NAMESAKE), "bad_signature", "new.crl", id="another key"),
    pytest.param(crl(HELD_NUMBER + 1, NAMESAKE), "bad_signature", KEPT, id="another key over another"),
    pytest.param(crl(HELD_NUMBER - 1), "rolled_back", "new.crl", id="a lower number"),
    pytest.param(crl(HELD_NUMBER - 1), "rolled_back", KEPT, id="a lower number over another"),
    pytest.param(crl(HELD_NUMBER + 1, age=-timedelta(hours=2)), "not_yet_valid", "new.crl", id="from the future"),
]


@pytest.mark.parametrize(("content", "problem", "name"), REFUSED)
def test_what_is_no_crl_for_us(administrator: Administrator, content: bytes, problem: str, name: str) -> None:
    """It is refused by name, nothing of it is kept, and what had its name before has it still."""
    before = administrator.holds()
    answer = administrator.put(content, name)
    document = answer.json()
    assert (422, "urn:revet:problem:crl-refused") == (answer.status_code, document["type"])
    assert document["detail"].startswith(f"Nothing has changed: {problem}")
    assert before == administrator.holds()
    assert ({"revoked"}, {"ok"}) == (administrator.codes(REVOKED), administrator.codes(GOOD))


@pytest.mark.parametrize("way", ["announced", "in pieces"])
def test_what_is_too_large(administrator: Administrator, way: str) -> None:
    """A body beyond the limit is refused, whether or not it says beforehand how long it is."""
    before = administrator.holds()
    content = pem(NEWER, "X509 CRL").encode() + b"\n" * MAX_BYTES
    answer = administrator.put(content if way == "announced" else iter([content[:MAX_BYTES], content[MAX_BYTES:]]))
    assert (413, "urn:revet:problem:too-large") == (answer.status_code, answer.json()["type"])
    assert f"The limit is {MAX_BYTES} bytes." == answer.json()["detail"]
    assert before == administrator.holds()
    assert ({"revoked"}, {"ok"}) == (administrator.codes(REVOKED), administrator.codes(GOOD))


@pytest.mark.parametrize(
    ("name", "media_type", "status", "problem"),
    [
        ("new.pem", "", 400, "invalid-request"),
        (".new.crl", "", 400, "invalid-request"),
        ("new.crl", "application/json", 415, "unsupported-media-type"),
        ("new.crl", "multipart/form-data; boundary=x", 415, "unsupported-media-type"),
    ],
)
def test_what_is_no_upload(administrator: Administrator, name: str, media_type: str, status: int, problem: str) -> None:
    """A CRL that would be held, under a name or with a type that it may not have."""
    before = administrator.holds()
    answer = administrator.put(NEWER, name, media_type)
    assert (status, f"urn:revet:problem:{problem}") == (answer.status_code, answer.json()["type"])
    assert before == administrator.holds()


def test_a_signer_that_nobody_knows(administrator: Administrator) -> None:
    """It waits by name and decides nothing; removed, it is gone without a trace."""
    before = administrator.holds()
    waiting = crl(1, STRANGER)
    answer = administrator.put(waiting)
    assert (200, "pending", "wrong_issuer", []) == (
        answer.status_code,
        *(answer.json()[member] for member in ("outcome", "problem", "crls")),
    )
    assert waiting == administrator.files()["uploads/new.crl"]
    assert ({"revoked"}, {"ok"}) == (administrator.codes(REVOKED), administrator.codes(GOOD))
    removed = httpx.delete(f"{administrator.service.url}/v1/crls/uploads/new.crl", timeout=10)
    assert httpx.codes.NO_CONTENT == removed.status_code
    until(lambda: before == administrator.holds(), "nothing waits any more")
