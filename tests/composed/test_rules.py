"""Rules for issuers that can be sidestepped: the service says so when it starts."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from service.bootstrap.logs import warn_of_rules
from service.processes.exit_code import EXIT_LISTEN
from service.settings import load_settings
from tests.application.chain import ROOT

BY_KEY_IDENTIFIER: Final = 'match = { key_identifier = "4f9c" }'


@pytest.mark.parametrize(
    ("match", "mode", "warned"),
    [
        (BY_KEY_IDENTIFIER, 'revocation_mode = "require"', ["require"]),
        (BY_KEY_IDENTIFIER, 'revocation_mode = "hard-fail"', ["hard-fail"]),
        (BY_KEY_IDENTIFIER, 'revocation_mode = "soft-fail"', []),
        (BY_KEY_IDENTIFIER, 'revocation_mode = "off"', []),
        (BY_KEY_IDENTIFIER, "grace_s = 60", []),
        ('match = { name = "CN=Sub" }', 'revocation_mode = "require"', []),
        ('match = { name = "CN=Sub", key_identifier = "4f9c" }', 'revocation_mode = "require"', []),
        ('match = { certificate = "issuer.pem" }', 'revocation_mode = "require"', []),
        ('match = { certificate = "issuer.pem", key_identifier = "4f9c" }', 'revocation_mode = "require"', []),
    ],
)
def test_who_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, match: str, mode: str, warned: list[str]
) -> None:
    """A rule that asks for more and is tied to nothing but a key identifier; one that asks for less harms nobody."""
    monkeypatch.chdir(tmp_path)
    Path("issuer.pem").write_text(ROOT.pem)
    Path("revet.toml").write_text(f'[[issuer]]\nmatch = {{ name = "CN=Other" }}\n[[issuer]]\n{match}\n{mode}\n')
    settings = load_settings(Path("revet.toml"), {"HOME": str(tmp_path)})
    with capture_logs() as logged:
        warn_of_rules(settings)
    event = {"event": "issuer_rule_by_key_identifier", "log_level": "warning", "rule": "issuer[2]"}
    assert [{**event, "revocation_mode": each} for each in warned] == logged


def test_the_service_warns_when_it_starts(tmp_path: Path) -> None:
    """In its log, before anything else; this one finds its port taken and ends."""
    (tmp_path / "trusted.pem").write_text(ROOT.pem)
    (tmp_path / "revet.toml").write_text(f'[[issuer]]\n{BY_KEY_IDENTIFIER}\nrevocation_mode = "require"\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
        environment |= {
            "REVET_CONFIG": str(tmp_path / "revet.toml"),
            "REVET_TRUST_STORE": str(tmp_path / "trusted.pem"),
            "REVET_DATA_DIR": str(tmp_path / "data"),
            "REVET_PORT": str(taken.getsockname()[1]),
            "REVET_LOG_FORMAT": "json",
        }
        command = (sys.executable, "-m", "service", "serve")
        ended = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    first = json.loads(ended.stderr.splitlines()[0])
    assert (EXIT_LISTEN, "issuer_rule_by_key_identifier", "issuer[1]") == (
        ended.returncode,
        first["event"],
        first["rule"],
    )
