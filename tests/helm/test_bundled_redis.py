"""The bundled Redis as its pod starts it: one user, his passwords, and nothing that the service does not need."""

import base64
import contextlib
import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis

from tests.e2e.running import until
from tests.helm.bundled_redis import command
from tests.helm.cluster import running_cluster
from tests.helm.engine import Engine, Release
from tests.helm.objects import Document, one_of_kind
from tests.helm.test_values import TRUSTED, put
from tests.ports import free_port

PASSWORD: Final = "PasswordOfTheOperators1"


@contextlib.contextmanager
def running(documents: Sequence[Document], directory: Path) -> Iterator[int]:
    """Run it on a port of this machine until the block is left."""
    port = free_port()
    program, config, *user = command(documents, directory)
    process = subprocess.Popen(
        (program, config, "--port", str(port), "--bind", "127.0.0.1", *user), stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: process.poll() is not None or _says(port, "") is not None, "Redis listens")
        assert process.poll() is None
        yield port
    finally:
        process.terminate()
        process.wait()


def _says(port: int, password: str, *words: str) -> object:
    """What it answers to its user, or why it does not; None where nobody listens."""
    with redis.Redis(port=port, username="revet" if password else None, password=password or None) as client:
        try:
            return client.execute_command(*(words or ("PING",)))
        except redis.ConnectionError as error:
            return None if "refused" in str(error) else str(error)
        except redis.ResponseError as error:
            return str(error)


def _password(documents: Sequence[Document]) -> str:
    """As replicas are told."""
    data = one_of_kind(documents, "Secret", "redis")["data"]
    return urlsplit(base64.b64decode(data["redis-url"]).decode()).password or ""


def test_it_lets_in_its_one_user(engine: Engine, tmp_path: Path) -> None:
    """With the password of the URL, to what bears the prefix; nobody else, and to nothing else."""
    documents = engine.render(put(TRUSTED, "settings.redis_prefix", "trial"))
    with running(documents, tmp_path) as port:
        password = _password(documents)
        allowed = _says(port, password, "SET", "trial:a", "b")
        denied = [
            str(_says(port, password, *words))
            for words in (("SET", "revet:a", "b"), ("KEYS", "*"), ("CONFIG", "GET", "dir"), ("FLUSHALL",))
        ]
        stranger, guesser = (str(_says(port, one)) for one in ("", "another-password"))

    assert allowed is True
    assert [] == [one for one in denied if "permissions" not in one]
    assert (True, True) == ("authenticate" in stranger, "invalid" in guesser)


def test_it_takes_the_operators_password(engine: Engine, tmp_path: Path) -> None:
    """Out of his Secret, of which Redis is told the digest alone."""
    values = put(TRUSTED, "redis.bundled.existingSecret", "mine")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    secret = {
        "kind": "Secret",
        "metadata": {"name": "mine"},
        "data": {"password-sha256": base64.b64encode(digest.encode()).decode()},
    }
    with running([*engine.render(values), secret], tmp_path) as port:
        assert (True, True) == (_says(port, PASSWORD), "invalid" in str(_says(port, "another-password")))


def test_a_new_password_does_not_lock_out_who_has_the_former(engine: Engine, tmp_path: Path) -> None:
    """Replicas that are still to be replaced write their blocks to the Redis that begins anew."""
    release = Release()
    with running_cluster() as cluster:
        engine.change("install", cluster.url, TRUSTED, release)
        former = cluster.secret(release.namespace, "revet-redis")["password"]
        changed = put(TRUSTED, "redis.bundled.password", PASSWORD)
        engine.change("upgrade", cluster.url, changed, release)
        documents = [one for (place, _, _), one in cluster.objects.items() if place == release.namespace]
        with running(documents, tmp_path) as port:
            assert (True, True) == (_says(port, PASSWORD), _says(port, former))
