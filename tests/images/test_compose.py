"""deploy/compose.yaml as text: what it mounts is there, what it sets are settings, nothing has more than it needs."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from service.settings import load_settings
from tests.docs.pages import page
from tests.e2e.running import ROOT
from tests.images.building import default_of
from tests.images.composing import FILE, Composition

OURS: Final = ("revet", "sidecar", "application")
SERVICES: Final = ("application", "grafana", "prometheus", "redis", "revet", "sidecar")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Composition:
    """It, and what `prepare` has made for it."""
    return Composition.copied(tmp_path_factory.mktemp("compose"))


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    """Hold a file against the schema of the compose specification."""
    program = Path(sys.executable).with_name("check-jsonschema")
    command = (program, "--builtin-schema", "vendor.compose-spec", file)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_is_a_compose_file(tmp_path: Path) -> None:
    """By the specification's own schema, which tells a misspelt key."""
    spoiled = tmp_path / "compose.yaml"
    spoiled.write_text(FILE.read_text().replace("read_only:", "readonly:"))

    assert [0, 1] == [check_schema(file).returncode for file in (FILE, spoiled)]


def test_has_what_it_promises(made: Composition) -> None:
    """Service, Redis, sidecar, Prometheus, Grafana, and an application."""
    assert list(SERVICES) == sorted(made.services)


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there(made: Composition, service: str) -> None:
    """A runtime would make an empty directory of what is missing. Whoever a container runs as may read it."""
    for mount in made.mounts(service):
        files = [one for one in mount.source.rglob("*") if one.is_file()]
        assert files, mount
        assert 0o555 == mount.source.stat().st_mode & 0o555, mount
        assert {0o444} == {one.stat().st_mode & 0o444 for one in files}, mount


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_not_prepared_is_not_made_up(made: Composition, service: str) -> None:
    """A checkout without `demo` gets no empty directories of root's in the place of keys and tokens."""
    prepared = {str(mount.target) for mount in made.mounts(service) if mount.source.is_relative_to(made.demo)}
    written = [one for one in made.services[service].get("volumes", ()) if isinstance(one, dict)]

    assert prepared == {one["target"] for one in written if one["bind"] == {"create_host_path": False}}


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_replaced_is_replaced_in_the_container(made: Composition, service: str) -> None:
    """A file that is mounted by itself stays the one that it was, with a token that was removed: none is."""
    assert [] == [mount for mount in made.mounts(service) if not mount.source.is_dir()]
    assert "secrets" not in made.services[service] | made.document, "which are mounted file by file"
    assert "configs" not in made.services[service] | made.document, "likewise"


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_has_what_is_anothers(made: Composition, service: str) -> None:
    """Of what is prepared each has the directory of its name, Revet the CRLs too, and nobody what is the reader's."""
    given = {mount.source.name for mount in made.mounts(service) if mount.source.is_relative_to(made.demo)}
    own = {"revet": {"revet", "crls"}, "sidecar": {"sidecar"}, "redis": {"redis"}, "grafana": {"grafana"}}

    assert own.get(service, set()) == given
    assert {"authority", "clients", "secrets"} == {one.name for one in made.demo.iterdir() if one.is_dir()} - {
        name for names in own.values() for name in names
    }


@pytest.mark.parametrize("service", SERVICES)
def test_has_no_more_than_it_needs(made: Composition, service: str) -> None:
    """A root file system for reading only, no capability, no way to one, a bound on memory, and a health check."""
    written = made.services[service]

    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        written["read_only"],
        written["cap_drop"],
        written["security_opt"],
    )
    assert "mem_limit" in written
    assert "healthcheck" in written or service == "sidecar"  # whose image has one
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & written.keys()


def test_ports_are_published_on_loopback(made: Composition) -> None:
    """And neither Redis' nor the management port, nor the application's."""
    ports = [port for written in made.services.values() for port in written.get("ports", ())]

    assert [] == [port for port in ports if not port.startswith("127.0.0.1:")]
    assert {"8080", "8443", "9090", "3000"} == {port.split(":")[1] for port in ports}
    assert [] == [
        made.services[name].get("ports", []) for name in ("redis", "application") if "ports" in made.services[name]
    ]


def test_images_are_pinned(made: Composition) -> None:
    """By version; ours by the one that they are built as."""
    images = {name: written["image"] for name, written in made.services.items()}
    version = default_of(ROOT / "Dockerfile", "VERSION")

    assert all(re.fullmatch(r"[a-z/-]+:v?\d+\.\d+[\w.-]*", image) for image in images.values())
    assert {f"revet:{version}", f"revet-sidecar:{version}"} == {images[name] for name in OURS}


def test_the_page_names_the_images_of_others(made: Composition) -> None:
    """And says how it is known that there are such."""
    others = {written["image"] for name, written in made.services.items() if name not in OURS}
    bases = {default_of(ROOT / "Dockerfile", "PYTHON_IMAGE"), default_of(ROOT / "sidecar/Dockerfile", "BASE_IMAGE")}
    (named,) = re.findall(r"there are images with these tags\n\(([^)]+)\)", page("container.md"))

    assert others | bases == set(re.findall(r"`([^`]+)`", named))


def test_no_image_is_built_twice(made: Composition) -> None:
    """A tag is built by one service. Who else has the image has this one, and looks for it in no registry."""
    built = {name: written["image"] for name, written in made.services.items() if "build" in written}
    application = made.services["application"]

    assert {"revet", "sidecar"} == set(built)
    assert len(built) == len(set(built.values()))
    assert (built["revet"], "never") == (application["image"], application["pull_policy"])


def test_everything_named_is_used(made: Composition) -> None:
    """Volumes and networks are what services have, and no others."""
    used = {name for written in made.services.values() for name in written["networks"]}
    assert set(made.document["networks"]) == used
    assert set(made.document["volumes"]) == {one for name in SERVICES for one in made.named_volumes(name).values()}


def test_no_secret_is_in_an_environment(made: Composition) -> None:
    """Tokens, passwords and keys are files; of tokens that it is asked with, Revet has the digests."""
    secrets = [made.demo / name for name in ("secrets/api-token", "secrets/admin-token", "sidecar/api-token")]
    others = [made.demo / name for name in ("revet/redis-url", "revet/fleet-key", "grafana/password")]
    text = json.dumps(made.document)
    digests = [f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in secrets]

    assert [] == [file for file in (*secrets, *others) if file.read_text().strip() in text]
    assert [digests[0], digests[2]] == (made.demo / "revet/api-tokens").read_text().split()
    assert [digests[1]] == (made.demo / "revet/admin-tokens").read_text().split()
    known = "".join(file.read_text() for file in (made.demo / "revet").iterdir())
    assert [] == [file for file in secrets if file.read_text() in known]


def test_settings_are_good(made: Composition, tmp_path: Path) -> None:
    """`revet config check` takes exactly these, the image's own beside them."""
    revet = made.services["revet"]
    file = tmp_path / "revet.toml"
    file.write_text(made.translated("revet", (made.file.parent / "compose/revet/revet.toml").read_text()))
    image = dict(re.findall(r"^\s+(REVET_[A-Z_]+)=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    environment = {**image, **revet["environment"], "REVET_CONFIG": str(file), "REVET_DATA_DIR": str(tmp_path)}

    settings = load_settings(None, environment)

    assert (8080, 9090) == (settings.port, settings.management_port)
    assert (2, 1, 1) == (len(settings.api_tokens), len(settings.admin_tokens), len(settings.fleet_key))
    assert () == settings.warnings()


def test_sidecar_s_settings_are_good(made: Composition) -> None:
    """Its entry point takes them, and prints what nginx is given."""
    written = made.services["sidecar"]["environment"]
    environment = {name: made.translated("sidecar", value) for name, value in written.items()}
    printed = subprocess.run(
        [ROOT / "sidecar/entrypoint", "--print"], env=environment, capture_output=True, text=True, check=False
    )

    assert (0, "") == (printed.returncode, printed.stderr)
    assert all(address in printed.stdout for address in ("server revet:8080", "server application:9000"))


def test_prometheus_takes_its_configuration(made: Composition, tmp_path: Path) -> None:
    """`promtool` reads it, with the alerts and rules that the chart has too."""
    file = tmp_path / "prometheus.yml"
    targets = {mount.target: mount.source for mount in made.mounts("prometheus")}
    text = (targets["/etc/prometheus"] / "prometheus.yml").read_text()
    rules = {one.name for one in targets["/rules"].glob("*.yaml")}
    file.write_text(text.replace("/rules", str(targets["/rules"])))
    done = subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True, check=False)

    assert {"alerts.yaml", "recording.yaml"} == rules
    assert done.returncode == 0, done.stderr
    assert re.search(r"SUCCESS: \d+ rules found", done.stdout)


def test_grafana_finds_its_dashboard(made: Composition) -> None:
    """The data source is Prometheus' service, and the dashboard lies where the provider looks."""
    targets = {mount.target: mount.source for mount in made.mounts("grafana")}
    (provider,) = targets["/etc/grafana/provisioning/dashboards"].iterdir()
    (source,) = targets["/etc/grafana/provisioning/datasources"].iterdir()
    (place,) = re.findall(r"path: (\S+)", provider.read_text())
    (dashboard,) = targets[place].glob("*.json")
    environment = made.services["grafana"]["environment"]

    assert f"{place}/{dashboard.name}" == environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert json.loads(dashboard.read_text())["panels"]
    assert "url: http://prometheus:9090" in source.read_text()
    assert Path(made.translated("grafana", environment["GF_SECURITY_ADMIN_PASSWORD__FILE"])).read_text()


def test_what_is_prepared_stays(made: Composition) -> None:
    """A second run makes no other keys; nobody but the owner enters the directory, and git does not see it."""
    before = {file: file.read_bytes() for file in made.demo.rglob("*.key")}
    subprocess.run([made.file.parent / "compose/prepare"], check=True, capture_output=True)

    assert before == {file: file.read_bytes() for file in made.demo.rglob("*.key")}
    assert 0o700 == made.demo.stat().st_mode & 0o777
    assert "/demo/" in (made.file.parent / "compose/.gitignore").read_text().splitlines()


def test_shellcheck_finds_nothing() -> None:
    """In `prepare`."""
    done = subprocess.run(["shellcheck", ROOT / "deploy/compose/prepare"], capture_output=True, text=True, check=False)

    assert ("", 0) == (done.stdout, done.returncode)
