"""A service that has everything that metrics are about: Redis, TLS, a CRL, and callers in shadow."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.e2e.running import PATIENCE_S, Service, running_service
from tests.e2e.test_tls import write
from tests.pki import Authority, CertificateOverrides, Issued, bundle
from tests.pki.clock import now, validity_of_now
from tests.redis_servers import redis_server


@dataclass(frozen=True, slots=True)
class Observed:
    """One that runs.

    Attributes:
        service: The service itself.
        trust_store: Whom it trusts, and who has issued its own certificate.
        revoked: A certificate that its CRL names.
    """

    service: Service
    trust_store: Path
    revoked: Issued

    def scrape(self) -> list[Sample]:
        """What it shows now."""
        text = httpx.get(f"{self.service.management_url}/metrics", timeout=PATIENCE_S).text
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def ask(self) -> str:
        """Why the certificate would have been denied; a proxy is told that it brought none."""
        trusting = ssl.create_default_context(cafile=self.trust_store)
        url = f"{self.service.url.replace('http:', 'https:')}/v1"
        with httpx.Client(verify=trusting, trust_env=False, timeout=PATIENCE_S) as client:
            assert 401 == client.get(f"{url}/authorize/nginx").status_code
            answer = client.post(f"{url}/validate", json={"certificate": self.revoked.pem})
            return str(answer.json()["enforced"]["code"])


@contextlib.contextmanager
def observed_service(place: Path) -> Iterator[Observed]:
    """Run it until the block is left."""
    validity = validity_of_now()
    authority = Authority.root("Root", **validity)
    server: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    certificate, key = write(place, "server", authority.issue("server", **server))
    trust_store, crl = place / "trust.pem", place / "root.crl"
    trust_store.write_text(bundle([authority]))
    leaf = authority.issue("leaf", **validity)
    begins, ends = now() - timedelta(hours=1), now() + timedelta(days=1)
    crl.write_bytes(authority.crl(number=1, revoked=[leaf.serial], this_update=begins, next_update=ends))
    settings = {
        "REVET_WORKERS": "1",
        "REVET_SHADOW": "true",
        "REVET_CRL_SOURCES": str(crl),
        "REVET_TLS_CERT": str(certificate),
        "REVET_TLS_KEY": str(key),
        "REVET_FLEET_KEY": "a-key-of-the-fleet-for-metrics",
    }
    with redis_server(place) as redis:
        settings["REVET_REDIS_URL"] = redis.url
        with running_service(place, trust_store, settings, management=True) as service:
            yield Observed(service, trust_store, leaf)
