"""Releases as Helm makes and changes them in a cluster (`cluster.py`): secrets that were made once are kept."""

import base64
import contextlib
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.helm.cluster import Cluster, running_cluster
from tests.helm.engine import Engine, RefusedError, Release
from tests.helm.objects import Document
from tests.helm.test_values import TRUSTED, put

RELEASE: Final = Release(name="prod", namespace="pki")
NAME: Final = "prod-revet"
VALUES: Final = put(TRUSTED, "test.enabled", False)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """One with nothing in it."""
    with running_cluster() as running:
        yield running


def _change(engine: Engine, cluster: Cluster, action: str, values: dict[str, Any] = VALUES) -> None:
    engine.change(action, cluster.url, values, RELEASE)


def _deployment(cluster: Cluster) -> Document:
    return cluster.objects["pki", "deployments", NAME]


MADE: Final = {"callers": "api-tokens", "admins": "admin-tokens", "fleet": "fleet-key"}
"""What Secrets there are besides that of Redis, and what is in each."""


def _secrets(cluster: Cluster, name: str = NAME) -> dict[str, dict[str, str]]:
    """What is in them."""
    return {one: cluster.secret("pki", f"{name}-{one}") for one in MADE}


def test_secrets_survive_an_upgrade(engine: Engine, cluster: Cluster) -> None:
    """Tokens, the key of the fleet and the password of Redis are what they were, and no pod is replaced."""
    _change(engine, cluster, "install")
    own, of_redis, pods = _secrets(cluster), cluster.secret("pki", f"{NAME}-redis"), _deployment(cluster)["spec"]
    _change(engine, cluster, "upgrade")
    assert MADE == {one: ",".join(data) for one, data in own.items()}
    assert own == _secrets(cluster)
    assert of_redis == cluster.secret("pki", f"{NAME}-redis")
    assert pods == _deployment(cluster)["spec"]


def test_one_release_is_not_another(engine: Engine, cluster: Cluster) -> None:
    """Two in one namespace have secrets of their own."""
    for name in ("blue", "green"):
        engine.change("install", cluster.url, VALUES, Release(name=name, namespace="pki"))
    blue, green = (_secrets(cluster, f"{name}-revet") for name in ("blue", "green"))
    assert [] == [one for one in blue if blue[one] == green[one]]


def test_a_token_that_is_given_takes_the_place_of_the_generated_one(engine: Engine, cluster: Cluster) -> None:
    """And the others stay."""
    _change(engine, cluster, "install")
    before = _secrets(cluster)
    _change(engine, cluster, "upgrade", put(VALUES, "tokens.api.values", ["a-token-of-mine-1", "a-token-of-mine-2"]))
    given = {"api-tokens": "a-token-of-mine-1\na-token-of-mine-2"}
    assert {**before, "callers": given} == _secrets(cluster)


@pytest.mark.parametrize(("kind", "secret"), [("api", "callers"), ("admin", "admins")])
def test_a_token_that_is_taken_out_of_the_values_is_refused(
    engine: Engine, cluster: Cluster, kind: str, secret: str
) -> None:
    """One that has leaked is not found again in the Secret: another one is made, and that is kept."""
    _change(engine, cluster, "install", put(VALUES, f"tokens.{kind}.values", ["a-token-of-mine-1"]))
    kept = []
    for _ in range(2):
        _change(engine, cluster, "upgrade", put(VALUES, f"tokens.{kind}.values", []))
        kept.append(_secrets(cluster)[secret][f"{kind}-tokens"])
    assert "a-token-of-mine-1" not in kept
    assert kept[0] == kept[1]


def test_a_line_that_was_written_into_a_made_secret_stays(engine: Engine, cluster: Cluster) -> None:
    """A token below the one that was made, as the page has it."""
    _change(engine, cluster, "install")
    written = base64.b64encode(b"made\nanother-token").decode()
    cluster.objects["pki", "secrets", f"{NAME}-callers"]["data"] = {"api-tokens": written}
    _change(engine, cluster, "upgrade")
    assert "made\nanother-token" == _secrets(cluster)["callers"]["api-tokens"]


def test_a_key_that_is_taken_out_of_the_values_stays(engine: Engine, cluster: Cluster) -> None:
    """Another one at once would take the list of blocks with it."""
    _change(engine, cluster, "install", put(VALUES, "fleetKey.values", ["a-key-of-the-fleet"]))
    _change(engine, cluster, "upgrade")
    assert {"fleet-key": "a-key-of-the-fleet"} == _secrets(cluster)["fleet"]


def test_secrets_are_left_behind_and_found_again(engine: Engine, cluster: Cluster) -> None:
    """`helm uninstall` leaves the tokens and nothing else; who installs again has the same."""
    _change(engine, cluster, "install")
    before = _secrets(cluster)
    _change(engine, cluster, "uninstall")
    assert {("pki", "secrets", f"{NAME}-{one}") for one in MADE} == set(cluster.objects)
    _change(engine, cluster, "install")
    assert before == _secrets(cluster)


def test_password_and_address_of_the_bundled_redis_agree(engine: Engine, cluster: Cluster) -> None:
    """Before and after an upgrade."""
    for action in ("install", "upgrade"):
        _change(engine, cluster, action)
        told = cluster.secret("pki", f"{NAME}-redis")
        assert f"redis://revet:{told['password']}@{NAME}-redis.pki.svc:6379/0" == told["redis-url"]


def test_everything_of_a_release_is_taken_away(engine: Engine, cluster: Cluster) -> None:
    """Where the tokens and the key are the operator's own, nothing is left; what he gave in values is his to keep."""
    own = {"api": {"existingSecret": "mine"}, "admin": {"values": ["a-token-of-an-administrator"]}}
    _change(engine, cluster, "install", {**VALUES, "tokens": own, "fleetKey": {"existingSecret": "mine"}})
    assert cluster.objects
    _change(engine, cluster, "uninstall")
    assert {} == cluster.objects


def test_replicas_stay_when_a_scaler_is_to_choose(engine: Engine, cluster: Cluster) -> None:
    """Neither turning it on nor any upgrade after it changes how many there are: left out, they would be set to one."""
    _change(engine, cluster, "install", put(VALUES, "replicaCount", 5))
    scaled = put(VALUES, "autoscaling.enabled", True)
    _change(engine, cluster, "upgrade", scaled)
    turned_on = _deployment(cluster)["spec"]["replicas"]
    _deployment(cluster)["spec"]["replicas"] = 7
    _change(engine, cluster, "upgrade", scaled)
    assert (5, 7) == (turned_on, _deployment(cluster)["spec"]["replicas"])


def test_a_scaler_begins_with_what_kubernetes_begins_with(engine: Engine, cluster: Cluster) -> None:
    """In a first installation nothing is said: who applies it again and again would undo what was scaled."""
    _change(engine, cluster, "install", put(VALUES, "autoscaling.enabled", True))
    assert "replicas" not in _deployment(cluster)["spec"]


def test_replicas_with_the_former_password_are_let_in(engine: Engine, cluster: Cluster) -> None:
    """They alone have the blocks when Redis begins anew with another one; the upgrade after it forgets the former."""
    _change(engine, cluster, "install")
    first = cluster.secret("pki", f"{NAME}-redis")
    other = put(VALUES, "redis.bundled.password", "AnotherPassword0")
    _change(engine, cluster, "upgrade", other)
    second = cluster.secret("pki", f"{NAME}-redis")
    _change(engine, cluster, "upgrade", other)
    third = cluster.secret("pki", f"{NAME}-redis")
    assert first["password-sha256"] == first["former-password-sha256"] == second["former-password-sha256"]
    assert second["password-sha256"] == third["password-sha256"] == third["former-password-sha256"]
    assert first["password-sha256"] != second["password-sha256"]


def test_a_password_goes_back_by_an_upgrade(engine: Engine, cluster: Cluster) -> None:
    """With the former one in the values, Redis lets in who has that and who has the one that is in force."""
    _change(engine, cluster, "install")
    first = cluster.secret("pki", f"{NAME}-redis")
    _change(engine, cluster, "upgrade", put(VALUES, "redis.bundled.password", "AnotherPassword0"))
    second = cluster.secret("pki", f"{NAME}-redis")
    _change(engine, cluster, "upgrade", put(VALUES, "redis.bundled.password", first["password"]))
    back = cluster.secret("pki", f"{NAME}-redis")
    assert first["redis-url"] == back["redis-url"]
    assert (first["password-sha256"], second["password-sha256"]) == (
        back["password-sha256"],
        back["former-password-sha256"],
    )


@pytest.mark.parametrize(("minor", "installs"), [(29, False), (30, True), (37, True)])
def test_kubernetes_is_new_enough(engine: Engine, minor: int, installs: bool) -> None:
    """An older one than Chart.yaml names is refused, before anything is made."""
    with running_cluster(minor) as cluster:
        with contextlib.nullcontext() if installs else pytest.raises(RefusedError, match="requires kubeVersion"):
            _change(engine, cluster, "install")
        assert installs == bool(cluster.objects)


def test_notes_of_an_installation_name_the_release(engine: Engine, cluster: Cluster) -> None:
    """What is shown at the end can be pasted: it names objects that are there."""
    notes = engine.change("install", cluster.url, VALUES, RELEASE)["notes"]
    assert f"deployment/{NAME}" in notes
    assert f"get secret {NAME}-callers " in notes
    assert f"service/{NAME} " in notes
