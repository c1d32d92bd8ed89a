"""Takes the dashboard's pictures in docs/pictures: `python -m tests.browser.pictures`; `make pictures` does it.

What is on them is real: two replicas and their Redis, authorities that publish CRLs over HTTP, one of which has
stopped, an OCSP responder that fails, and requests for a minute. Only the names are made up.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, FloatRect

from tests.browser.serving import ADMIN, CALLER
from tests.browser.watching import Visit, chromium, visiting
from tests.e2e.published import Published, publishing
from tests.e2e.running import ROOT, Service, running_service, until
from tests.pki import Authority, Issued, bundle
from tests.pki.clock import now
from tests.redis_servers import redis_server

PICTURES: Final = ROOT / "docs" / "pictures"
SHADOW: Final = "shadow-0123456789abcdef-of-the-pictures"
TRAFFIC_S: Final = 75.0
"""Long enough that the charts have something to show."""

SITES: Final = ("Berlin", "Lyon", "Osaka", "Porto", "Turin", "Vilnius")
"""Issuing authorities; the last one has stopped publishing."""

DESK: Final = {"width": 1280, "height": 1180}
LOOKS: Final[Mapping[str, Any]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 1180}, "color_scheme": "light"},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Everybody who takes part.

    Attributes:
        good: Clients who are let in.
        denied: Clients who are not, for one reason or another.
        trust: The bundle.
    """

    good: list[Issued]
    denied: list[Issued]
    trust: str


def lasting(days: int) -> Any:  # noqa: ANN401 - keyword arguments of certificates
    """A validity that began some days ago."""
    return {"not_before": now() - timedelta(days=30), "not_after": now() + timedelta(days=days)}


def set_scene(published: Published) -> Scene:
    """Authorities, their clients, and what they publish."""
    root = Authority.root("CN=Example Root G2,O=Example Devices,C=DE", **lasting(3400))
    issuers, good, denied = [], [], []
    for place, site in enumerate(SITES):
        issuer = root.subordinate(
            f"CN=Example Issuing {site},O=Example Devices,C=DE", **lasting(24 if site == "Porto" else 900 + 90 * place)
        )
        issuers.append(issuer)
        crl = f"/{site.lower()}.crl"
        known = {"crl_urls": [f"{published.url}{crl}"]}
        if site == "Osaka":
            known["ocsp_urls"] = [f"{published.url}/ocsp"]
        names = [f"CN=meter-{place}{number:03},OU={site},O=Example Devices" for number in range(12)]
        clients = [issuer.issue(name, **lasting(300), **known) for name in names]  # type: ignore[arg-type]
        good += clients[:9]
        denied += [clients[9], issuer.issue(f"CN=meter-{place}990,O=Example Devices", **lasting(-3), **known)]  # type: ignore[arg-type]
        begin = now() - timedelta(hours=23 if site == "Vilnius" else 5 + place)
        end = begin + timedelta(hours=22.5 if site == "Vilnius" else 24)
        listed = [clients[9].serial, *range(10_000, 10_000 + 700 * (place + 1))]
        published.bodies[crl] = issuer.crl(number=4_100 + place, revoked=listed, this_update=begin, next_update=end)
    published.bodies["/root.crl"] = root.crl(
        number=31, this_update=now() - timedelta(days=9), next_update=now() + timedelta(days=21)
    )
    stranger = Authority.root("CN=Somebody Else", **lasting(100)).issue("CN=stranger", **lasting(100))
    return Scene(good, [*denied, stranger], bundle([root, *issuers]))


def ask(service: Service, scene: Scene, is_over: Callable[[], bool], token: str = CALLER) -> None:
    """Ask as clients do: many good ones, a bad one now and then."""
    chance = random.Random(7)  # noqa: S311 - it chooses clients
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
        for number in itertools.count():
            if is_over():
                return
            one = chance.choice(scene.denied if number % 40 == 0 else scene.good)
            client.post(f"{service.url}/v1/validate", json={"certificate": one.pem})
            time.sleep(0.02 * chance.random())


@contextmanager
def traffic(services: list[Service], scene: Scene) -> Iterator[None]:
    """Requests to each, until the block is left."""
    over = threading.Event()
    threads = [threading.Thread(target=ask, args=(one, scene, over.is_set)) for one in services]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def replicas(place: Path, scene: Scene, published: Published, redis_url: str) -> Iterator[list[Service]]:
    """Two of them, that share a Redis."""
    (place / "trust.pem").write_text(scene.trust)
    settings: Mapping[str, str] = {
        "REVET_API_TOKENS": CALLER,
        "REVET_ADMIN_TOKENS": ADMIN,
        "REVET_SHADOW_TOKENS": SHADOW,
        "REVET_CRL_SOURCES": f"{published.url}/root.crl",
        "REVET_GRACE_S": "86400",
        "REVET_EVIDENCE_ORDER": "ocsp-first",
        "REVET_REDIS_URL": redis_url,
        "REVET_FLEET_KEY": "a-key-of-the-pictures-0123456789abcdef",
    }
    with ExitStack() as stack:
        started = []
        for name in ("revet-0", "revet-1"):
            (place / name).mkdir()
            own = {**settings, "REVET_REPLICA_NAME": name}
            started.append(stack.enter_context(running_service(place / name, place / "trust.pem", own)))
        yield started


def look(browser: Browser, service: Service) -> None:
    """Take pictures of the page's beginning, when the charts have something to show."""
    with ExitStack() as stack:
        visits: dict[str, Visit] = {}
        for name, context in LOOKS.items():
            visits[name] = stack.enter_context(visiting(browser, service.url, reduced_motion="reduce", **context))
            visits[name].enter(ADMIN)
            visits[name].wait_for_contact("live")
        time.sleep(TRAFFIC_S)
        for name, visit in visits.items():
            visit.page.screenshot(path=PICTURES / f"dashboard-{name}.png")


def look_closer(browser: Browser, service: Service, scene: Scene) -> None:
    """Take a picture of denials, blocks and a certificate that is explained."""
    with visiting(browser, service.url, reduced_motion="reduce", viewport=DESK) as visit:
        visit.enter(ADMIN)
        page = visit.page
        for rows in ("#decisions-rows tr[data-decision-id]", "#blocks-rows tr[data-block]", "#trust-stores-list table"):
            page.locator(rows).first.wait_for()
        page.get_by_label("Certificate, PEM").fill(scene.denied[0].pem)
        page.get_by_role("button", name="Explain").click()
        page.locator("#explain-answer .branches").wait_for()
        page.evaluate("scrollTo(0, 0)")
        box = (
            "(id) => { const one = document.getElementById(id).getBoundingClientRect(); return [one.top, one.bottom]; }"
        )
        top, bottom = page.evaluate(box, "blocks")[0] - 12, page.evaluate(box, "explain")[1] + 12
        clip: FloatRect = {"x": 0, "y": top, "width": 1280, "height": bottom - top}
        page.screenshot(path=PICTURES / "dashboard-levers.png", full_page=True, clip=clip)


def main() -> None:
    """Take all of them."""
    with TemporaryDirectory() as directory, ExitStack() as stack:
        place = Path(directory)
        published = stack.enter_context(publishing())
        scene = set_scene(published)
        redis = stack.enter_context(redis_server(place / "redis"))
        started = stack.enter_context(replicas(place, scene, published, redis.url))
        rounds = itertools.count()
        ask(started[0], scene, lambda: next(rounds) > 50, SHADOW)
        headers = {"authorization": f"Bearer {ADMIN}"}
        block = {"spki_sha256": "5104988d" * 8, "reason": "Key of the test bench was copied, ticket 4711"}
        assert httpx.codes.CREATED == httpx.post(f"{started[0].url}/v1/blocks", json=block, headers=headers).status_code
        browser = stack.enter_context(chromium())
        with traffic(started, scene):
            until(
                lambda: bool(httpx.get(f"{started[0].url}/v1/decisions", headers=headers).json()["decisions"]),
                "denials",
            )
            look(browser, started[0])
            look_closer(browser, started[0], scene)


if __name__ == "__main__":
    main()
