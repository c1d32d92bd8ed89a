"""The service that a browser looks at."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.life_cycle.scene import GOOD, REVOKED, write_evidence
from tests.e2e.running import PATIENCE_S, Service, running_service, until

CALLER: Final = "caller-0123456789abcdef-of-the-browser"
ADMIN: Final = "admin-0123456789abcdef-of-the-browser"


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs, and the tokens that open it.

    Attributes:
        service: It.
        place: Where its log, its trust store and its CRLs are.
        token: Of whoever asks by `validate` and `get`; None where the service has none.
    """

    service: Service
    place: Path
    token: str | None

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.service.url

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What it answers at a path, in JSON."""
        answer = httpx.get(f"{self.url}{path}", headers=self.headers(), timeout=PATIENCE_S)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    def validate(self, *, good: int = 0, revoked: int = 0) -> None:
        """Ask about the good client and the revoked one, so many times."""
        with httpx.Client(headers=self.headers(), timeout=PATIENCE_S) as client:
            for certificate in (*[GOOD.pem] * good, *[REVOKED.pem] * revoked):
                answer = client.post(f"{self.url}/v1/validate", json={"certificate": certificate})
                assert 200 == answer.status_code, answer.text

    def service_answer(self, certificate: str) -> Any:  # noqa: ANN401 - any JSON
        """What it decides about a certificate."""
        request = {"certificate": certificate}
        answer = httpx.post(f"{self.url}/v1/validate", json=request, headers=self.headers(), timeout=PATIENCE_S)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    def counted(self) -> Counter[str]:
        """Decisions of all workers since the start, by code."""
        counts: Counter[str] = Counter()
        for one in self.get("/v1/stats")["decisions"]:
            counts[one["code"]] += one["count"]
        return counts

    def until_counted(self, counts: Mapping[str, int]) -> None:
        """Wait until it has counted at least so many, by code."""
        until(lambda: all(self.counted()[code] >= count for code, count in counts.items()), f"counted: {counts}")

    def headers(self) -> dict[str, str]:
        """With the token where there is one."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}


@contextmanager
def serving(place: Path, settings: Mapping[str, str] | None = None, *, tokens: bool = True) -> Iterator[Served]:
    """Run a service until the block is left.

    Args:
        place: An empty directory for it alone.
        settings: More settings, `REVET_…`.
        tokens: Whether it has a caller's token and an administrator's.
    """
    given = {"REVET_API_TOKENS": CALLER, "REVET_ADMIN_TOKENS": ADMIN} if tokens else {}
    crls = {"REVET_CRL_SOURCES": str(place / "crls"), "REVET_REVOCATION_SCOPE": "leaf"}
    with running_service(place, write_evidence(place), {**given, **crls, **(settings or {})}) as service:
        yield Served(service, place, CALLER if tokens else None)
