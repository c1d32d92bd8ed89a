"""A real Redis cluster on loopback: three masters with a replica each, whose masters are killed and fail over."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis.crc import key_slot

from tests.ports import free_port
from tests.redis_servers import RedisServer

MASTERS: Final = 3
SLOTS: Final = 16_384

PATIENCE_S: Final = 30.0
"""Seconds until a cluster agrees with itself; two or three are usual."""

NODE_TIMEOUT_MS: Final = 600
"""After how long a silent node is taken for gone: short, for tests wait for it."""


@dataclass(frozen=True, slots=True)
class RedisCluster:
    """A cluster, and what a test does to it.

    Attributes:
        nodes: The masters it began with, then their replicas in the same order.
    """

    nodes: tuple[RedisServer, ...]

    @property
    def url(self) -> str:
        """Where it is, by its first two nodes."""
        first, second = self.nodes[:2]
        return f"redis+cluster://127.0.0.1:{first.port},127.0.0.1:{second.port}"

    def slots(self) -> dict[int, RedisServer]:
        """Who has which slots, asked of any node that answers; by the first of them."""
        by_port = {node.port: node for node in self.nodes}
        for node in self.nodes:
            found = {}
            for words in _nodes(node):
                if len(words) > 8 and b"master" in words[2] and b"fail" not in words[2]:
                    for part in words[8:]:
                        if not part.startswith(b"["):
                            found[int(part.split(b"-")[0])] = by_port[int(words[1].split(b"@")[0].split(b":")[1])]
            if found:
                return dict(sorted(found.items()))
        return {}

    def master_of(self, name: str) -> RedisServer:
        """Who has a name."""
        slot = key_slot(name.encode())
        return [server for first, server in self.slots().items() if first <= slot][-1]

    def replica_of(self, master: RedisServer) -> RedisServer:
        """The one that takes over for a master of the beginning."""
        return self.nodes[self.nodes.index(master) + MASTERS]

    def is_well(self) -> bool:
        """Whether every node that runs says so."""
        states = [node.say("CLUSTER", "INFO") for node in self.nodes]
        return all(b"cluster_state:ok" in state for state in states if state)


def _nodes(node: RedisServer) -> list[list[bytes]]:
    return [line.split() for line in node.say("CLUSTER", "NODES").splitlines()]


def until(found: Callable[[], bool], what: str) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextmanager
def redis_cluster(directory: Path) -> Iterator[RedisCluster]:
    """A cluster that has nothing in it, for as long as the block runs."""
    directory.mkdir(exist_ok=True)
    cluster = RedisCluster(tuple(_node(directory / str(number)) for number in range(2 * MASTERS)))
    try:
        for node in cluster.nodes:
            node.start()
        _join(cluster)
        yield cluster
    finally:
        for node in cluster.nodes:
            node.kill()


def _node(directory: Path) -> RedisServer:
    options = {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        "cluster-replica-validity-factor": "0",
        "cluster-allow-replica-migration": "no",
        "repl-diskless-sync-delay": "0",
        "appendonly": "no",
    }
    return RedisServer(
        directory, free_port(), tuple(word for name, value in options.items() for word in (f"--{name}", value))
    )


def _join(cluster: RedisCluster) -> None:
    first, *others = cluster.nodes
    for number, node in enumerate(cluster.nodes):
        assert node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)) == b"+OK"
    for number, master in enumerate(cluster.nodes[:MASTERS]):
        bounds = (number * SLOTS // MASTERS, (number + 1) * SLOTS // MASTERS - 1)
        assert master.ask("CLUSTER", "ADDSLOTSRANGE", *map(str, bounds)) == b"+OK"
    for node in others:
        bus = node.options[node.options.index("--cluster-port") + 1]
        assert first.ask("CLUSTER", "MEET", "127.0.0.1", str(node.port), bus) == b"+OK"
    known = len(cluster.nodes)
    until(lambda: all(_known(node) == known for node in cluster.nodes), "the nodes do not meet")
    for master, replica in zip(cluster.nodes[:MASTERS], cluster.nodes[MASTERS:], strict=True):
        _follow(replica, master.say("CLUSTER", "MYID").split(b"\r\n")[1].decode())
    until(cluster.is_well, "the cluster is not well")
    replicas = cluster.nodes[MASTERS:]
    until(lambda: all(b"master_link_status:up" in one.say("INFO", "replication") for one in replicas), "no replica")


def _follow(replica: RedisServer, master: str) -> None:
    until(lambda: replica.ask("CLUSTER", "REPLICATE", master) == b"+OK", "a replica does not know its master")


def _known(node: RedisServer) -> int:
    return len([words for words in _nodes(node) if len(words) >= 8 and b"handshake" not in words[2]])
