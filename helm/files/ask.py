"""Asks the service for a verdict, as `helm test` does: one POST, with what callers need to be let in.

Rules it keeps: standard library alone; the service's certificate is verified, always; the token is never printed. A
denial is a verdict as well: whether it is the one that was expected is compared with `REVET_TEST_EXPECT`.

What it does not do: judge the verdict itself, or try again where it was refused.
"""

import http.client
import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

ATTEMPTS: Final = 10
"""How often it is asked until it answers at all: a Service that was just made takes a moment to lead somewhere."""

PAUSE_S: Final = 1.0
"""Between two attempts."""

TIMEOUT_S: Final = 10.0
"""For one attempt."""


def main(environment: Mapping[str, str]) -> int:
    """Ask, print the answer, and compare it.

    Args:
        environment: `REVET_TEST_URL`, `REVET_TEST_TRUST_STORE`, `REVET_TEST_EXPECT` and `REVET_TEST_FILES`, a directory
            with `certificate.pem` and, where they are needed, `token`, `ca.crt`, `tls.crt` and `tls.key`.

    Returns:
        The exit code: 0 where the verdict is what was expected.
    """
    files = Path(environment["REVET_TEST_FILES"])
    expected = environment["REVET_TEST_EXPECT"]
    body = json.dumps(
        {
            "certificate": (files / "certificate.pem").read_text(),
            "trust_store": environment["REVET_TEST_TRUST_STORE"],
        }
    )
    try:
        status, text = _ask_until_answered(environment["REVET_TEST_URL"], _headers(files), body, files)
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"the service could not be asked: {error}")
        return 1
    print(f"{status} {text}")
    if status != http.client.OK:
        return 1
    decision = json.loads(text)["decision"]
    if expected in ("any", decision):
        return 0
    print(f"expected was {expected}")
    return 1


def _headers(files: Path) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    token = files / "token"
    if token.exists():
        headers["Authorization"] = f"Bearer {_plain(token.read_text())}"
    return headers


def _plain(text: str) -> str:
    """The first token that is not a digest.

    Raises:
        ValueError: there is none.
    """
    for line in text.split():
        if not line.startswith("sha256:"):
            return line
    raise ValueError("the Secret has digests of tokens alone: name one with a token in test.token.existingSecret")


def _ask_until_answered(url: str, headers: Mapping[str, str], body: str, files: Path) -> tuple[int, str]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _ask(url, headers, body, files)
        except (ConnectionRefusedError, TimeoutError, socket.gaierror):
            if attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_S)
    raise AssertionError("the last attempt returns or raises")


def _ask(url: str, headers: Mapping[str, str], body: str, files: Path) -> tuple[int, str]:
    connection = _connection(url, files)
    try:
        connection.request("POST", "/v1/validate", body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _connection(url: str, files: Path) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname
    if host is None:
        raise ValueError(f"{url} has no host")
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    authority = files / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    if (files / "tls.crt").exists():
        context.load_cert_chain(files / "tls.crt", files / "tls.key")
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=context)


if __name__ == "__main__":
    sys.exit(main(os.environ))
