"""What is rendered is what the service takes: its settings are good, and it answers with them.

The pods run here without Kubernetes: their files below a directory, their environment, their arguments. In the image
itself, with what the kubelet makes of volumes, they run in tests/images.
"""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.bootstrap.outside import check_trust_stores
from service.settings import SettingsError, load_settings
from tests.e2e.running import PATIENCE_S, ROOT, until
from tests.helm.engine import CI_VALUES, Engine, Json, values_of
from tests.helm.everything import CALLER, EVERYTHING
from tests.helm.mounted import MadeUp, Pod, mounted
from tests.helm.objects import Document, service_workload, workloads
from tests.pki import Authority, CertificateOverrides
from tests.pki.clock import validity_of_now
from tests.ports import free_port

IN_THE_CLOUD: Final = ("trust-s3", "trust-https")
"""Examples whose trust store is fetched by the service when it runs."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who is trusted."""
    return Authority.root("Corporate CA", **validity_of_now())


@pytest.fixture(scope="module")
def made_up(authority: Authority) -> MadeUp:
    """What is in the operator's own Secrets and ConfigMaps."""
    of_a_server: CertificateOverrides = {**validity_of_now(), "extended_key_usage": ["serverAuth"]}
    server = authority.issue("revet.example", **of_a_server)
    key = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def text(path: str) -> str:
        match path.rpartition("/")[2]:
            case "tls.crt":
                return server.pem
            case "tls.key":
                return key
            case "api-tokens" | "admin-tokens" | "shadow-tokens" as name:
                return f"a-token-of-{name}\n"
            case "fleet-key":
                return "a-key-of-the-operator\n"
            case "redis-url":
                return "rediss://revet:password@redis.corp.example:6380/0\n"
            case _:
                return authority.issued.pem

    return text


def _with_pem(values: Json, pem: str) -> Json:
    """With certificates that can be read, in place of those in the values, which are none."""
    match values:
        case dict():
            return {name: pem if name == "pem" and one else _with_pem(one, pem) for name, one in values.items()}
        case list():
            return [_with_pem(one, pem) for one in values]
        case _:
            return values


def _pods(documents: list[Document], root: Path, made_up: MadeUp) -> dict[str, Pod]:
    """Those of the service and, where there is one, of the fetcher."""
    found = {
        container: mounted(documents, workload, container, root / container, made_up)
        for workload in workloads(documents)
        for container in ("revet", "fetcher")
        if not workload.is_test and any(one["name"] == container for one in workload.spec["containers"])
    }
    for pod in found.values():
        if (volume := pod.file("/mnt/trust")).is_dir():
            for own in ("cas.pem", "stores/own.pem", "intermediates/own.pem"):
                (volume / own).parent.mkdir(exist_ok=True)
                (volume / own).write_text(made_up(own), encoding="utf-8")
    return found


@pytest.mark.parametrize("values_file", CI_VALUES, ids=lambda path: str(path.stem).removesuffix("-values"))
def test_settings_are_good(
    engine: Engine, authority: Authority, made_up: MadeUp, values_file: Path, tmp_path: Path
) -> None:
    """As `revet config check` finds them in the pod, those of the fetcher too."""
    documents = engine.render(_with_pem(values_of(values_file), authority.issued.pem))
    for pod in _pods(documents, tmp_path, made_up).values():
        settings = load_settings(None, {"HOME": str(tmp_path), **pod.environment})
        settings.require_trust_store()
        if not values_file.stem.startswith(IN_THE_CLOUD):
            check_trust_stores(settings)


def test_settings_that_are_wrong_are_found(
    engine: Engine, authority: Authority, made_up: MadeUp, tmp_path: Path
) -> None:
    """The test above can fail: the chart passes settings on as they are."""
    values = {**EVERYTHING, "settings": {"revocation_mode": "softly"}}
    pods = _pods(engine.render(_with_pem(values, authority.issued.pem)), tmp_path, made_up)
    with pytest.raises(SettingsError, match="softly"):
        load_settings(None, {"HOME": str(tmp_path), **pods["revet"].environment})


def test_the_pod_answers(engine: Engine, authority: Authority, made_up: MadeUp, tmp_path: Path) -> None:
    """Started by its own arguments, ready by its own probe, asked with the token of its own Secret, ended in order."""
    off = {"tls": {}, "redis": {"mode": "none"}, "fetcher": {}, "settings": {"workers": 1, "drain_s": 0}, "test": {}}
    documents = engine.render(_with_pem({**EVERYTHING, **off}, authority.issued.pem))
    pod = _pods(documents, tmp_path, made_up)["revet"]
    container = service_workload(documents).container("revet")
    port, management = free_port(), free_port()
    ports = {"REVET_HOST": "127.0.0.1", "REVET_PORT": str(port), "REVET_MANAGEMENT_PORT": str(management)}
    environment = {"HOME": str(tmp_path), **pod.environment, **ports}
    process = subprocess.Popen([sys.executable, "-m", "service", *container["args"]], cwd=ROOT, env=environment)
    try:
        probe = f"http://127.0.0.1:{management}{container['readinessProbe']['httpGet']['path']}"
        until(lambda: process.poll() is not None or _is_ok(probe), "the pod is ready")
        leaf = authority.issue("device", **validity_of_now())
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/validate",
            json={"certificate": leaf.pem, "trust_store": "devices"},
            headers={"Authorization": f"Bearer {CALLER}"},
            timeout=PATIENCE_S,
        )
        assert ("allow", "ok") == (answer.json()["decision"], answer.json()["code"])
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
