"""Two services and one data directory."""

import subprocess
import sys
from pathlib import Path

import httpx

from service.processes.exit_code import EXIT_CONFIGURATION
from tests.e2e.running import PATIENCE_S, ROOT, running_service
from tests.pki import Authority
from tests.pki.clock import validity_of_now
from tests.ports import free_port


def test_a_second_service_is_refused_and_disturbs_nobody(tmp_path: Path) -> None:
    """It ends with a message and leaves the counters of the first one as they are."""
    trust_store = tmp_path / "trust.pem"
    root = Authority.root("Root", **validity_of_now())
    trust_store.write_text(root.pem)
    with running_service(tmp_path, trust_store) as first:
        first.validate(root.issue("leaf", **validity_of_now()).pem)
        before = _decisions(first.url)
        second = subprocess.run(
            [sys.executable, "-m", "service", "serve"],
            cwd=ROOT,
            env={
                "REVET_PORT": str(free_port()),
                "REVET_DATA_DIR": str(tmp_path / "data"),
                "REVET_TRUST_STORE": str(trust_store),
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        after = _decisions(first.url)
    assert EXIT_CONFIGURATION == second.returncode, second.stderr
    assert "another service uses the store" in second.stderr
    assert before.endswith(" 1.0")
    assert before == after


def _decisions(url: str) -> str:
    """The line of the metrics that counts decisions."""
    lines = httpx.get(f"{url}/metrics", timeout=5).text.splitlines()
    return next(line for line in lines if line.startswith("revet_validate_duration_seconds_count"))
