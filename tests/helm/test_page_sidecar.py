"""The pod with the sidecar that `docs/kubernetes.md` shows takes a renewed certificate, as the kubelet brings it."""

import re
import ssl
from pathlib import Path
from typing import Final

import yaml

from tests.docs.pages import blocks, page
from tests.e2e.running import until
from tests.helm.objects import Document
from tests.ports import free_port
from tests.sidecar.material import Pair, server_pair
from tests.sidecar.running import ENTRYPOINT, running_sidecar

_EXPANDED: Final = re.compile(r"\$(?:\$|\()")
"""What the kubelet would not hand on as it is: `$(NAME)`, and `$$` for `$`."""


def _sidecar() -> Document:
    (pod,) = (one for one in map(yaml.safe_load, blocks(page("kubernetes.md"), "yaml")) if "kind" in one)
    (found,) = (one for one in pod["spec"]["template"]["spec"]["containers"] if one["name"] == "revet-sidecar")
    return dict(found)


def _publish(volume: Path, moment: str, pair: Pair) -> None:
    """Put files there as the kubelet does: a directory of this moment, and `..data` that leads to it."""
    (volume / moment).mkdir(parents=True)
    (volume / moment / "tls.crt").write_bytes(pair.certificate.read_bytes())
    (volume / moment / "tls.key").write_bytes(pair.key.read_bytes())
    (volume / "..data_tmp").symlink_to(moment)
    (volume / "..data_tmp").rename(volume / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(f"..data/{name}")


def _command(place: Path) -> list[str]:
    """That of the page, here: looks more often, and is not process 1."""
    shell, flags, script = _sidecar()["command"]
    changes = {
        "/etc/sidecar": str(place),
        "/opt/revet-sidecar/entrypoint": str(ENTRYPOINT),
        "sleep 10": "sleep 0.1 && kill -0 $$ 2>/dev/null",
        "kill -HUP 1": "kill -HUP $$",
    }
    for before, after in changes.items():
        assert before in script
        script = script.replace(before, after)
    return [shell, flags, script]


def test_a_renewed_certificate_is_in_force(tmp_path: Path) -> None:
    """New connections are made with it, and nobody has started anything anew."""
    first, second = (server_pair(tmp_path, name) for name in ("first", "second"))
    place = tmp_path / "mounted"
    for volume in ("tls", "revet-ca"):
        _publish(place / volume, "..2026_1", first)
    environment = {
        "REVET_URL": f"http://127.0.0.1:{free_port()}",
        "REVET_TOKEN": "a-token-of-the-sidecar-0123456789",
        "REVET_SIDECAR_UPSTREAM": f"http://127.0.0.1:{free_port()}",
        "REVET_SIDECAR_TLS_CERT": str(place / "tls/tls.crt"),
        "REVET_SIDECAR_TLS_KEY": str(place / "tls/tls.key"),
    }
    with running_sidecar(tmp_path, "nlb", environment, command=_command(place)) as sidecar:

        def shows(pair: Pair) -> bool:
            shown = ssl.get_server_certificate(("127.0.0.1", sidecar.port))
            return shown.split() == pair.certificate.read_text().split()

        assert shows(first)
        _publish(place / "tls", "..2026_2", second)
        until(lambda: shows(second), "the new certificate is shown")
        assert sidecar.process.poll() is None


def test_the_kubelet_changes_nothing_of_the_command() -> None:
    """It fills in variables before a shell sees them."""
    assert [] == [word for word in _sidecar()["command"] if _EXPANDED.search(word)]


def test_nothing_is_mounted_as_a_single_file() -> None:
    """A `subPath` is never brought up to date."""
    assert [] == [one for one in _sidecar()["volumeMounts"] if "subPath" in one]
