"""What the entry point lets become configuration: every value is checked, and what is refused is refused by name."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running import ROOT
from tests.sidecar.material import TOKEN, Pair
from tests.sidecar.running import ENTRYPOINT, sidecar_environment

EX_CONFIG: Final = 78

KNOWN: Final = sorted(
    {
        *(
            f"REVET_SIDECAR_{name}"
            for name in re.search(r'KNOWN="([^"]*)"', (ROOT / "sidecar/lib/environment.sh").read_text())[1].split()  # type: ignore[index]  # it is there
        ),
        *re.findall(r"\$\{(REVET_[A-Z_]+):-", (ROOT / "sidecar/lib/environment.sh").read_text()),
    }
)
"""All names that are read."""


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The entry point, with this environment."""
    return subprocess.run(
        [ENTRYPOINT, *arguments],
        env=sidecar_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.fixture
def alb(tmp_path: Path) -> dict[str, str]:
    """An environment of the other mode in which nothing is wrong."""
    return {
        "REVET_SIDECAR_MODE": "alb",
        "REVET_URL": "https://revet.example.com/below",
        "REVET_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
        "REVET_SIDECAR_UPSTREAM": "http://127.0.0.1:9000",
        "REVET_SIDECAR_ALB_HEADER": "verify",
        "REVET_SIDECAR_TRUSTED_PROXIES": "10.0.0.0/16, 10.1.0.0/16,fd00::/8,192.0.2.7",
        "REVET_SIDECAR_RUN_DIR": str(tmp_path / "run"),
    }


def refused(environment: Mapping[str, str], *names: str) -> None:
    """The entry point refuses these settings and no others, a line each, and nothing else happens."""
    ended = run(environment, "--print")
    lines = ended.stderr.splitlines()
    assert (EX_CONFIG, "") == (ended.returncode, ended.stdout), ended.stderr
    assert sorted(names) == sorted(re.fullmatch(r"revet-sidecar: (\w+): .+", line)[1] for line in lines)  # type: ignore[index]  # or fail
    assert not Path(environment["REVET_SIDECAR_RUN_DIR"]).exists()


def test_nothing_wrong(nlb: dict[str, str], alb: dict[str, str]) -> None:
    """The configuration is printed, without the token, and nothing is written."""
    for environment in (nlb, alb):
        ended = run(environment, "--print")
        assert (0, "") == (ended.returncode, ended.stderr)
        assert "ssl_verify_client optional_no_ca;" in ended.stdout or environment is alb
        assert TOKEN not in ended.stdout
        assert not Path(environment["REVET_SIDECAR_RUN_DIR"]).exists()


@pytest.mark.parametrize("name", KNOWN)
def test_text_that_would_become_configuration(nlb: dict[str, str], name: str) -> None:
    """Line breaks, semicolons, braces, variables, quotes: refused wherever they stand, and never repeated."""
    word = "h0stile"
    hostile = [
        f"{word}{rest}"
        for rest in ("\n}\nserver { listen 1", ";", "}", "$host", " y;z", "\\", "#", "`id`", "$(id)", "\r", "é")
    ]
    hostile += [f"{first}{word}" for first in ("{", "'", '"', "\t}", "\n", "*", "?", "[")]
    given = nlb.get(name, "")
    for text in (
        f"{before}{value}{after}" for value in hostile for before, after in (("", ""), (given, ""), ("", given))
    ):
        ended = run({**nlb, name: text}, "--print")
        assert (EX_CONFIG, "") == (ended.returncode, ended.stdout), text
        assert f"revet-sidecar: {name}: " in ended.stderr, text
        assert word not in ended.stderr, text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REVET_SIDECAR_LISTEN", "8443"),
        ("REVET_SIDECAR_LISTEN", "localhost:8443"),
        ("REVET_SIDECAR_LISTEN", "256.0.0.1:8443"),
        ("REVET_SIDECAR_LISTEN", "127.0.0.1:0"),
        ("REVET_SIDECAR_LISTEN", "127.0.0.1:65536"),
        ("REVET_SIDECAR_LISTEN", "127.0.0.1:080"),
        ("REVET_SIDECAR_LISTEN", "[::1:8443"),
        ("REVET_SIDECAR_HEALTH_LISTEN", "0.0.0.0:8443"),
        ("REVET_URL", "127.0.0.1:8080"),
        ("REVET_URL", "ftp://127.0.0.1"),
        ("REVET_URL", "http://"),
        ("REVET_URL", "http://user:password@127.0.0.1"),
        ("REVET_URL", "http://127.0.0.1:99999"),
        ("REVET_URL", "http://127.0.0.1/?query"),
        ("REVET_URL", "http://127.0.0.1/#fragment"),
        ("REVET_URL", "http://127.0.0.1/a/../b"),
        ("REVET_URL", "http://127.0.0.1//"),
        ("REVET_URL", "http://-x"),
        ("REVET_URL", "http://unix:/run/socket"),
        ("REVET_TIMEOUT_MS", "0"),
        ("REVET_TIMEOUT_MS", "800ms"),
        ("REVET_TIMEOUT_MS", "-1"),
        ("REVET_TIMEOUT_MS", "99999999999999999999"),
        ("REVET_TRUST_STORE", "../other"),
        ("REVET_TRUST_STORE", "-x"),
        ("REVET_TRUST_STORE", "x" * 65),
        ("REVET_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt"),  # REVET_URL is http
        ("REVET_SIDECAR_REVET_NAME", "revet.example.com"),
        ("REVET_SIDECAR_UPSTREAM", ""),
        ("REVET_SIDECAR_UPSTREAM", "http://127.0.0.1:9000/path"),
        ("REVET_SIDECAR_UPSTREAM_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt"),  # the application's address is http
        ("REVET_SIDECAR_UPSTREAM_NAME", "inside.example"),
        ("REVET_SIDECAR_UPSTREAM_TIMEOUT_S", "0"),
        ("REVET_SIDECAR_GRPC_UPSTREAM", "http://127.0.0.1:9001"),
        ("REVET_SIDECAR_TLS_CERT", "/nonexistent"),
        ("REVET_SIDECAR_TLS_KEY", "relative.key"),
        ("REVET_SIDECAR_TLS_KEY", "/dev/null"),
        ("REVET_SIDECAR_TLS_KEY", ""),
        ("REVET_SIDECAR_TRUSTED_PROXIES", "10.0.0.0/8"),  # without the PROXY protocol
        ("REVET_SIDECAR_ALB_HEADER", "verify"),
        ("REVET_SIDECAR_PROXY_PROTOCOL", "yes"),
        ("REVET_SIDECAR_CACHE_S", "61"),
        ("REVET_SIDECAR_CACHE_S", "1.5"),
        ("REVET_SIDECAR_WORKERS", "0"),
        ("REVET_SIDECAR_RUN_DIR", "/"),
        ("REVET_SIDECAR_RUN_DIR", "/run/../etc"),
        ("REVET_SIDECAR_RUN_DIR", "run"),
        ("REVET_SIDECAR_READY_URL", "127.0.0.1:9090"),
        ("REVET_SIDECAR_ERROR_LOG", "debug"),
        ("REVET_SIDECAR_HTTP2", "2"),
        ("REVET_SIDECAR_CERT_HEADER", "X_Cert"),
        ("REVET_SIDECAR_REMOVE_HEADERS", "X-One;X-Two"),
        ("REVET_SIDECAR_REMOVE_HEADERS", "X-One, Content-Length"),
        ("REVET_SIDECAR_REMOVE_HEADERS", "X-One\nX-Two"),
        ("REVET_SIDECAR_CERT_HEADER", "Host"),
        ("REVET_SIDECAR_CERT_HEADER", "x-revet-token"),
        ("REVET_SIDECAR_UPSTREM", "http://127.0.0.1:9000"),
        ("REVET_SIDECAR_", ""),
    ],
)
def test_values_that_are_refused(nlb: dict[str, str], name: str, value: str, tmp_path: Path) -> None:
    """By the name of the setting."""
    environment = {**nlb, name: value}
    ended = run(environment, "--print")
    assert (EX_CONFIG, "") == (ended.returncode, ended.stdout), ended.stderr
    assert [name] == [line.split(": ")[1] for line in ended.stderr.splitlines()]
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "value",
    ["", "0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "load-balancer", "10.0.0.0/8/8", "10.0.0.0/08"],
)
def test_load_balancers_that_are_refused(alb: dict[str, str], value: str) -> None:
    """Nobody, everybody, and what is no network."""
    refused({**alb, "REVET_SIDECAR_TRUSTED_PROXIES": value}, "REVET_SIDECAR_TRUSTED_PROXIES")


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"REVET_SIDECAR_ALB_HEADER": ""}, ["REVET_SIDECAR_ALB_HEADER"]),
        ({"REVET_SIDECAR_PROXY_PROTOCOL": "on"}, ["REVET_SIDECAR_PROXY_PROTOCOL"]),
        ({"REVET_CLIENT_CERT": "/etc/ssl/certs/ca-certificates.crt"}, ["REVET_CLIENT_KEY"]),
        ({"REVET_CLIENT_KEY": "/etc/ssl/certs/ca-certificates.crt"}, ["REVET_CLIENT_CERT"]),
        ({"REVET_SIDECAR_TLS_CERT": "/etc/ssl/certs/ca-certificates.crt"}, ["REVET_SIDECAR_TLS_KEY"]),
        (
            {"REVET_TOKEN": TOKEN, "REVET_TOKEN_FILE": "/etc/ssl/certs/ca-certificates.crt"},
            ["REVET_TOKEN", "REVET_TOKEN_FILE"],
        ),
        (
            {"REVET_CA_BUNDLE": "/nonexistent", "REVET_URL": "x", "REVET_SIDECAR_CACHE_S": "x"},
            ["REVET_URL", "REVET_SIDECAR_CACHE_S"],
        ),
    ],
)
def test_contradictions(alb: dict[str, str], more: dict[str, str], names: list[str]) -> None:
    """Everything that is wrong is told at once."""
    ended = run({**alb, **more}, "--print")
    assert EX_CONFIG == ended.returncode
    assert set(names) <= {line.split(": ")[1] for line in ended.stderr.splitlines()}


def test_the_proxy_protocol_needs_somebody_to_trust(nlb: dict[str, str]) -> None:
    """Or anybody could say who he is."""
    refused({**nlb, "REVET_SIDECAR_PROXY_PROTOCOL": "on"}, "REVET_SIDECAR_TRUSTED_PROXIES")


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n", "a b\n", '"; return 200; #\n', "${x}\n"])
def test_token_files_that_are_refused(nlb: dict[str, str], tmp_path: Path, content: str) -> None:
    """One line, one token."""
    file = tmp_path / "token"
    file.write_text(content)
    refused({**nlb, "REVET_TOKEN": "", "REVET_TOKEN_FILE": str(file)}, "REVET_TOKEN_FILE")


@pytest.mark.parametrize("of_a_file", [False, True])
def test_a_long_token(nlb: dict[str, str], tmp_path: Path, of_a_file: bool) -> None:
    """Nginx reads 4,000 characters, and not many more."""
    name = "REVET_TOKEN_FILE" if of_a_file else "REVET_TOKEN"
    file = tmp_path / "token"
    for length in (4000, 4001):
        file.write_text("x" * length)
        environment = {**nlb, "REVET_TOKEN": "", name: str(file) if of_a_file else "x" * length}
        if length > 4000:
            refused(environment, name)
        else:
            # It passes, and nginx has a word to say about the key alone.
            ended = run({**environment, "REVET_SIDECAR_TLS_KEY": environment["REVET_SIDECAR_TLS_CERT"]})
            assert ("nginx refuses", False) == (ended.stderr[15:28], "too long" in ended.stderr)
            shutil.rmtree(environment["REVET_SIDECAR_RUN_DIR"])


def test_a_host_that_is_called_as_a_group_might_be(nlb: dict[str, str]) -> None:
    """Nginx refuses a host with a port where a group of addresses has its name: none has that of a host."""
    names = ("REVET_URL", "REVET_SIDECAR_READY_URL", "REVET_SIDECAR_UPSTREAM", "REVET_SIDECAR_GRPC_UPSTREAM")
    urls = {name: f"{'grpc' if 'GRPC' in name else 'http'}://revet:9000" for name in names}
    groups = re.findall(r"^ *upstream (\S+) \{$", run({**nlb, **urls}, "--print").stdout, re.MULTILINE)
    assert ["~revet", "~application", "~not_allowed_by_revet", "~application_grpc"] == groups


@pytest.mark.parametrize(("seconds", "connecting"), [("3", "3s"), ("5", "5s"), ("60", "5s")])
def test_how_long_connecting_may_take(nlb: dict[str, str], seconds: str, connecting: str) -> None:
    """Where one address of several is silent, there is time for another one."""
    settings = {"REVET_TIMEOUT_MS": "700", "REVET_SIDECAR_UPSTREAM_TIMEOUT_S": seconds}
    text = run({**nlb, **settings}, "--print").stdout
    found = re.findall(r"proxy_(connect|read)_timeout (\w+);", text)
    of_revet, of_application = (
        [("connect", "350ms"), ("read", "700ms")],
        [("connect", connecting), ("read", f"{seconds}s")],
    )
    assert [*of_revet, *of_application, *of_revet] == found


def test_no_mode() -> None:
    """Nothing else can be judged then."""
    ended = run({})
    assert (EX_CONFIG, "revet-sidecar: REVET_SIDECAR_MODE: neither alb nor nlb\n") == (ended.returncode, ended.stderr)


def test_what_nginx_refuses(nlb: dict[str, str], server: Pair, good: Pair) -> None:
    """A key that is not the certificate's: its own words, and the same status."""
    ended = run({**nlb, "REVET_SIDECAR_TLS_KEY": str(good.key)})
    assert EX_CONFIG == ended.returncode
    assert "revet-sidecar: nginx refuses this configuration:" in ended.stderr
    assert "key values mismatch" in ended.stderr
    assert server.certificate.exists()


def test_an_unknown_argument(nlb: dict[str, str]) -> None:
    """There is one."""
    assert 64 == run(nlb, "--help").returncode


# --- another nginx ---------------------------------------------------------------------------------------------------


def printed_by(directory: Path, version: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What is printed where nginx says that it has this version."""
    fake = directory / "nginx"
    fake.write_text(f"#!/bin/sh\necho 'nginx version: {version}' >&2\n")
    fake.chmod(0o755)
    return run({**environment, "PATH": f"{directory}:{os.environ['PATH']}"}, "--print")


@pytest.mark.parametrize(
    ("version", "is_directive"),
    [
        ("nginx/1.22.1", False),
        ("nginx/1.25.0", False),
        ("nginx/1.25.1", True),
        ("nginx/1.26.3 (Debian)", True),
        ("nginx/2.0.0", True),
    ],
)
def test_where_http2_is_switched_on(nlb: dict[str, str], tmp_path: Path, version: str, is_directive: bool) -> None:
    """A parameter of `listen` until 1.25.0, a directive since."""
    text = printed_by(tmp_path, version, nlb).stdout
    assert (is_directive, not is_directive) == ("        http2 on;\n" in text, " ssl http2;\n" in text)


@pytest.mark.parametrize("mode", ["alb", "nlb"])
def test_nothing_else_depends_on_the_version(
    nlb: dict[str, str], alb: dict[str, str], tmp_path: Path, mode: str
) -> None:
    """With a newer nginx the configuration is the same, but for HTTP/2."""
    environment = {**(nlb if mode == "nlb" else alb), "REVET_SIDECAR_HTTP2": "on"}
    older, newer = (printed_by(tmp_path, f"nginx/{version}", environment) for version in ("1.22.1", "1.26.3"))
    assert [0, 0] == [older.returncode, newer.returncode]
    assert older.stdout.replace(" http2;\n\n", ";\n        http2 on;\n") == newer.stdout
    assert older.stdout != newer.stdout


@pytest.mark.parametrize(("version", "status"), [("nginx/1.22.1", EX_CONFIG), ("nginx/1.23.0", 0), ("nginx/1.26.3", 0)])
def test_kept_answers_behind_an_application_load_balancer(
    alb: dict[str, str], tmp_path: Path, version: str, status: int
) -> None:
    """Only where nginx sees all values of a header: the answer to the first would be kept for all of them."""
    ended = printed_by(tmp_path, version, {**alb, "REVET_SIDECAR_CACHE_S": "5"})
    assert status == ended.returncode
    if status:
        assert "REVET_SIDECAR_CACHE_S" in ended.stderr
    else:
        assert "proxy_cache_key $http_x_amzn_mtls_clientcert_leaf;" in ended.stdout


@pytest.mark.parametrize("version", ["", "nginx/one", "OpenResty"])
def test_a_version_that_cannot_be_read(nlb: dict[str, str], tmp_path: Path, version: str) -> None:
    """Nothing is guessed."""
    assert EX_CONFIG == printed_by(tmp_path, version, nlb).returncode
