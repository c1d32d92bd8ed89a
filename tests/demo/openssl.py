"""OpenSSL's own opinion of the demonstration's certificates and answers."""

import os
import subprocess
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 20.0


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of OpenSSL; no proxy may stand before the responders."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(
        ["openssl", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def ask_responder(url: str, certificate: Path, issuer: Path, trust_store: Path, *more: str) -> str:
    """Ask an OCSP responder, and give what OpenSSL says of its verified answer."""
    asked: tuple[str | Path, ...] = ("-issuer", issuer, *more, "-cert", certificate)
    done = openssl("ocsp", "-url", url, *asked, "-CAfile", trust_store, "-timeout", "10")
    assert "Response verify OK" in done.stderr, done.stdout + done.stderr
    return done.stdout
