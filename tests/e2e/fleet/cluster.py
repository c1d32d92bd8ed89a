"""Redis Cluster: three masters and a replica of each, real servers on loopback, so that one may fail over."""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.e2e.running import until
from tests.ports import free_port
from tests.redis_servers import RedisServer, redis_server

MASTERS: Final = 3

NODE_TIMEOUT_MS: Final = 1000
"""After which the others believe that a master is gone (`cluster-node-timeout`); a vote and a fail-over follow."""

PATIENCE_S: Final = 30.0

TAG: Final = "fleet"
"""The hash tag of the block list and the events."""


class Cluster:
    """The nodes: masters first, then replicas."""

    def __init__(self, nodes: tuple[RedisServer, ...]) -> None:
        """Take nodes that have been joined."""
        self.nodes = nodes

    @property
    def url(self) -> str:
        """Where it is: two of its nodes."""
        first, second = self.nodes[:2]
        return f"redis+cluster://127.0.0.1:{first.port},127.0.0.1:{second.port}"

    def master_of(self, tag: str = TAG) -> RedisServer | None:
        """The node that has the slot of a hash tag; None while there is none."""
        answers = (one.ask("CLUSTER", "KEYSLOT", f"{{{tag}}}") for one in self.nodes)
        slot = next(int(answer[1:]) for answer in answers if answer)
        return next((one for one in self.nodes if slot in _slots_of(one)), None)

    def is_whole(self) -> bool:
        """Whether every node says that all slots are served."""
        return all(b"cluster_state:ok" in _whole_answer(one, "cluster", "info") for one in self.nodes)

    @contextmanager
    def failing_over(self) -> Iterator[None]:
        """The master of the block list is killed, and comes back as a replica afterwards."""
        lost = self.master_of()
        assert lost is not None
        lost.kill()
        yield
        until(lambda: self.master_of() not in (None, lost), "another node has taken over", PATIENCE_S)
        lost.start()
        until(self.is_whole, "every node serves again", PATIENCE_S)


@contextmanager
def redis_cluster(place: Path) -> Iterator[Cluster]:
    """A cluster with nothing in it, for as long as the block runs."""
    with ExitStack() as stack:
        nodes = tuple(stack.enter_context(_node(place / f"node-{number}")) for number in range(2 * MASTERS))
        joined = [f"127.0.0.1:{one.port}" for one in nodes]
        command = ["redis-cli", "--cluster", "create", *joined, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        cluster = Cluster(nodes)
        until(cluster.is_whole, "the cluster serves", PATIENCE_S)
        until(lambda: sum(map(_follows, nodes)) == MASTERS, "each master has its replica", PATIENCE_S)
        yield cluster


def _node(directory: Path) -> AbstractContextManager[RedisServer]:
    directory.mkdir(parents=True)
    options = (
        *("--cluster-enabled", "yes"),
        *("--cluster-port", str(free_port())),
        *("--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
        *("--cluster-config-file", "nodes.conf"),
        *("--repl-diskless-sync-delay", "0"),
    )
    return redis_server(directory, *options)


def _follows(node: RedisServer) -> bool:
    """Whether it is a replica that has all of its master: no other is ever elected."""
    return b"master_link_status:up" in _whole_answer(node, "info", "replication")


def _slots_of(node: RedisServer) -> frozenset[int]:
    for line in _whole_answer(node, "cluster", "nodes").decode().splitlines():
        words = line.split()
        if "myself,master" in words[2]:
            spans = [word.split("-") for word in words[8:] if not word.startswith("[")]
            return frozenset(slot for span in spans for slot in range(int(span[0]), int(span[-1]) + 1))
    return frozenset()


def _whole_answer(node: RedisServer, *words: str) -> bytes:
    command = ["redis-cli", "-p", str(node.port), *words]
    return subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE_S).stdout
