"""Each line of an example that keeps somebody out: taken away, somebody gets in whom the whole example keeps out.

So the tests of `test_every_proxy` see what they say they see, and none of these lines is there for show. That Revet's
certificate is looked at is shown there: of several that say allow, only the one with the right certificate is believed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import pytest

from tests.deploy.application import SENDS
from tests.deploy.proxies import ENVOY, HAPROXY, NGINX, NONE, TRAEFIK, Changes, Proxy
from tests.deploy.scene import TOKEN, Scene
from tests.deploy.stand_ins import Says, standing_in
from tests.deploy.talking import curl, exchanged, socket_to
from tests.e2e.running import until
from tests.ports import free_port

pytestmark = pytest.mark.slow

Attack: TypeAlias = Callable[[Scene, Proxy, Changes], bool]
"""Tries something; whether it works."""


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody answers."""
    yield f"localhost:{free_port()}"


def revet_away(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A request while nobody can decide."""
    with nobody() as place, proxy.run(scene, place, changes) as port:
        return 200 == curl(scene.directory, port, "good").status


def denying_200(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """Revet's address answers 200, and says that it denies."""
    with standing_in(scene.directory, "server", Says.DENYING_OK) as place, proxy.run(scene, place, changes) as port:
        return 200 == curl(scene.directory, port, "good").status


def _claimed(scene: Scene, proxy: Proxy, changes: Changes, *names: str) -> bool:
    headers = tuple(word for name in names for word in ("--header", f"{name}: spoofed"))
    with proxy.run(scene, scene.revet, changes) as port:
        return "spoofed" in curl(scene.directory, port, "good", *headers).body


def identity(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """Headers that look like Revet's, which it does not send."""
    return _claimed(scene, proxy, changes, "X-Revet-Role")


def underscores(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """The same with underscores."""
    return _claimed(scene, proxy, changes, "X_Revet_Subject")


def certificate_of_another_proxy(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A header by which an application knows certificates."""
    return _claimed(scene, proxy, changes, "Client-Cert")


def borrowed_certificate(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A good certificate in the header that the proxy itself uses, without the key."""
    good = (scene.directory / "good.pem").read_text()
    base64 = "".join(good.splitlines()[1:-1])
    escaped = good.replace("\n", "%0A").replace("+", "%2B").replace(" ", "%20")
    headers = (f"X-Forwarded-Tls-Client-Cert: {base64}", f'X-Forwarded-Client-Cert: Chain="{escaped}"')
    with proxy.run(scene, scene.revet, changes) as port:
        more = tuple(word for header in headers for word in ("--header", header))
        return 200 == curl(scene.directory, port, None, *more).status


def tunnel(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A second request behind a CONNECT, in another's name and while the client is blocked."""
    with (
        proxy.run(scene, scene.revet, changes) as port,
        socket_to(scene.directory, port, "second") as connection,
    ):
        if 200 != exchanged(connection, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").status:
            return False
        with scene.blocked("second"):
            answer = exchanged(connection, b"GET / HTTP/1.1\r\nHost: a\r\nX-Revet-Subject: CN=spoofed\r\n\r\n")
    return "spoofed" in answer.body


def other_protocol(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A change to HTTP/2 in the clear, or to TLS, and everything behind it past the proxy; beside a WebSocket, too."""
    ways = (["Upgrade: h2c"], ["Upgrade: TLS/1.0"], ["Upgrade: websocket", "Upgrade: h2c"])
    with proxy.run(scene, scene.revet, changes) as port:
        for way in ways:
            with socket_to(scene.directory, port, "good") as connection:
                lines = ["GET / HTTP/1.1", "Host: a", "Connection: Upgrade", *way, "", ""]
                answer = exchanged(connection, "\r\n".join(lines).encode())
                if answer.headers.get("upgrade", "websocket") != "websocket":
                    return True
    return False


def trailers(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """An identity behind the body."""
    scene.application.trailers.clear()
    octets = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Revet-Subject: CN=spoofed\r\n\r\n"
    with (
        proxy.run(scene, scene.revet, changes) as port,
        socket_to(scene.directory, port, "good") as connection,
    ):
        exchanged(connection, octets)
    until(lambda: scene.application.asked == scene.application.ended, "the application is done")
    return bool(scene.application.trailers)


def dots(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """Dots in place of hyphens."""
    return _claimed(scene, proxy, changes, "X.Revet.Subject")


def envoys_own_words(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A header that is Envoy's to say."""
    return _claimed(scene, proxy, changes, "X-Envoy-Original-Path")


def named_to_the_next(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """The next hop is told to remove who it is."""
    with (
        proxy.run(scene, scene.revet, changes) as port,
        socket_to(scene.directory, port, "good") as connection,
    ):
        answer = exchanged(connection, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Revet-Subject\r\n\r\n")
    return "revet" in str(answer.seen("connection")).lower()


def redirect_inside(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """The application sends its client to what only the proxy itself may say."""
    with proxy.run(scene, scene.revet, changes) as port:
        answer = curl(scene.directory, port, "good", path=f"{SENDS}X-Accel-Redirect=@revet_refused")
    return 403 == answer.status


def one_slow_question(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """A question that takes too long at both of Revet's addresses keeps everybody else out."""
    now = [Says.NOTHING]
    line = "    server revet.internal:8443 max_fails=0;\n"
    twice = {line: (changes.get(line) or line) * 2}
    with (
        standing_in(scene.directory, "server", lambda: now[0]) as place,
        proxy.run(scene, place, twice) as port,
    ):
        assert 503 == curl(scene.directory, port, "second").status
        now[0] = Says.ALLOW
        return 200 != curl(scene.directory, port, "good").status


def token_told(scene: Scene, proxy: Proxy, changes: Changes) -> bool:
    """The application reads Revet's token."""
    with proxy.run(scene, scene.revet, changes) as port:
        return TOKEN in curl(scene.directory, port, "good").body


@dataclass(frozen=True, slots=True)
class Guard:
    """Lines of an example, and what they keep out.

    Attributes:
        proxy: Whose example.
        attack: What is tried.
        changes: The lines, and what weakens them.
    """

    proxy: Proxy
    attack: Attack
    changes: Changes


_STRIP_NOT: Final = {"[revet-strip, revet-certificate": "[revet-token, revet-certificate"}
_TOKEN_ALONE: Final = {
    "    revet-strip:\n": "    revet-token:\n      headers:\n        customRequestHeaders:\n"
    "          X-Revet-Token: '{{ env `REVET_TOKEN` }}'\n    revet-strip:\n"
}

GUARDS: Final = (
    Guard(HAPROXY, revet_away, {"unless { var(txn.revet_decision) -m str allow }\n\n": "if FALSE\n\n"}),
    Guard(HAPROXY, denying_200, {'response.status == 200 and decision == "allow"': "response.status == 200"}),
    Guard(HAPROXY, identity, {"^(x[^a-z0-9]revet|": "^("}),
    Guard(HAPROXY, underscores, {"^(x[^a-z0-9]revet|": "^(x-revet|"}),
    Guard(HAPROXY, dots, {"^(x[^a-z0-9]revet|": "^(x[-_]revet|"}),
    Guard(HAPROXY, certificate_of_another_proxy, {"revet|client[^a-z0-9]cert|x[^a-z0-9]ssl": "revet|x[^a-z0-9]ssl"}),
    Guard(HAPROXY, tunnel, {"no-store if METH_CONNECT": "no-store if FALSE"}),
    Guard(
        HAPROXY,
        other_protocol,
        {"    http-request del-header Upgrade unless": "    http-request del-header Nothing unless"},
    ),
    Guard(HAPROXY, trailers, {"    filter lua.revet_trailers\n": ""}),
    Guard(HAPROXY, trailers, {"return self.seen and filter.ERROR or": "return"}),
    Guard(HAPROXY, named_to_the_next, {"    http-request del-header Connection\n": ""}),
    Guard(ENVOY, revet_away, {"failure_mode_allow: false": "failure_mode_allow: true"}),
    Guard(ENVOY, identity, {"x[^a-z0-9]revet.*": "x-nothing"}),
    Guard(ENVOY, envoys_own_words, {"                use_remote_address: true\n": ""}),
    Guard(ENVOY, dots, {"x[^a-z0-9]revet.*": "x-revet-.*"}),
    Guard(
        ENVOY,
        underscores,
        {
            "headers_with_underscores_action: DROP_HEADER": "headers_with_underscores_action: ALLOW",
            "x[^a-z0-9]revet.*": "x-revet-.*",
        },
    ),
    Guard(ENVOY, certificate_of_another_proxy, {'"client[^a-z0-9]cert.*"': '"x-nothing"'}),
    Guard(
        ENVOY,
        borrowed_certificate,
        {"forward_client_cert_details: SANITIZE_SET\n": "forward_client_cert_details: ALWAYS_FORWARD_ONLY\n"},
    ),
    Guard(TRAEFIK, identity, {"(?i)^(X[^a-z0-9]Revet|": "(?i)^(X-Revet-Subject|"}),
    Guard(TRAEFIK, underscores, {"(?i)^(X[^a-z0-9]Revet|": "(?i)^(X-Revet|"}),
    Guard(TRAEFIK, dots, {"(?i)^(X[^a-z0-9]Revet|": "(?i)^(X[-_]Revet|"}),
    Guard(TRAEFIK, certificate_of_another_proxy, {"Revet|Client[^a-z0-9]Cert|X[^a-z0-9]SSL": "Revet|X[^a-z0-9]SSL"}),
    Guard(TRAEFIK, other_protocol, {"[revet-checks, revet-no-upgrade]": "[revet-checks]"}),
    Guard(TRAEFIK, borrowed_certificate, {"insecure: false": "insecure: true", **_STRIP_NOT, **_TOKEN_ALONE}),
    Guard(
        TRAEFIK,
        token_told,
        {
            "(?i)^(X[^a-z0-9]Revet|": "(?i)^(X-Revet-Subject|",
            "revet-ask, revet-tidy]": "revet-ask]",
        },
    ),
    Guard(NGINX, denying_200, {'    default "";\n    allow application;': "    default application;"}),
    Guard(NGINX, certificate_of_another_proxy, {'        proxy_set_header Client-Cert "";\n': ""}),
    Guard(NGINX, redirect_inside, {"proxy_ignore_headers X-Accel-Redirect ": "proxy_ignore_headers "}),
    Guard(
        NGINX,
        one_slow_question,
        {"    server revet.internal:8443 max_fails=0;\n": "    server revet.internal:8443 max_fails=1;\n"},
    ),
)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.proxy.name}-{guard.attack.__name__}")
def test_a_guard(scene: Scene, guard: Guard) -> None:
    """As it is, the example keeps it out; without the guard, it is in."""
    assert [False, True] == [guard.attack(scene, guard.proxy, changes) for changes in (NONE, guard.changes)]


@pytest.mark.parametrize("changes", [{"insecure: false": "insecure: true"}, {**_STRIP_NOT, **_TOKEN_ALONE}])
def test_traefik_has_two_guards_against_a_borrowed_certificate(scene: Scene, changes: Changes) -> None:
    """Each alone is enough."""
    assert not borrowed_certificate(scene, TRAEFIK, changes)
