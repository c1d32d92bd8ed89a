"""The way through a Redis cluster: which node has a name, learned from any node, and again when it changes.

Every command of the fleet's cache is about one slot, so that all there is to a cluster is to find the node: `Node`s do
the rest, with the same pools, limits and time-outs as a Redis that stands alone.

Rules it keeps: a redirection is followed within the command's own time, and the map is read anew beside it; a node that
does not answer is a failure of the whole cluster until a probe has found each slot with a master that answers, since
fail-over moves slots, and who asks the wrong node asks for nothing; nodes that are gone are forgotten.

What it does not do: read from replicas, which may be behind; believe a node's word for what it is: the certificates of
`rediss+cluster://` are verified for each.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from redis.crc import key_slot

from service.adapters.redis.failures import AloneError, LinkError, RedirectedError
from service.adapters.redis.links import CONNECT_S, Word, too_late
from service.adapters.redis.nodes import Lane, Node, answers_about
from service.adapters.redis.wire import Answer

Place: TypeAlias = tuple[str, int]
"""Host and port of a node."""

SLOTS: Final = 16_384
"""Of a cluster: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/."""

MOST_NODES: Final = 1_000
"""Masters of one cluster: the most that its specification recommends."""

MOST_REDIRECTIONS: Final = 3
"""Of one command: from an old map to a new one takes one, in the middle of moving a slot another."""

MOST_ASKED: Final = 3
"""Nodes that are asked for the map in one attempt, a second each at most; the next attempt asks others first."""

_MAX_PORT: Final = 2**16 - 1
_LEAST_OF_A_RANGE: Final = 3  # first slot, last slot, master; replicas may follow
_MAX_HOST: Final = 253  # characters of a name (RFC 1035 §2.3.4)


@dataclass(frozen=True, slots=True)
class SlotMap:
    """Which master has which slots.

    Attributes:
        owners: For each slot, an index into `masters`, or -1 for nobody's.
        masters: Their places.
    """

    owners: tuple[int, ...]
    masters: tuple[Place, ...]

    @property
    def whole(self) -> bool:
        """Whether each slot has a master."""
        return min(self.owners) >= 0

    def owner(self, slot: int) -> Place | None:
        """Who has a slot."""
        index = self.owners[slot]
        return None if index < 0 else self.masters[index]


def read_map(answer: Answer, asked: Place) -> SlotMap:
    """What a node says to CLUSTER SLOTS.

    Args:
        answer: It is nobody's yet: anything may be in it.
        asked: Who has said it; a node that does not know its own host leaves it out.

    Raises:
        LinkError: it makes no sense.
    """
    owners, masters = [-1] * SLOTS, dict[Place, int]()
    if not isinstance(answer, list):
        raise LinkError("this is no cluster")
    for one in answer:
        match one:
            case [int(first), int(last), [host, int(port), *_], *_] if 0 <= first <= last < SLOTS:
                place = (_host(host) or asked[0], port)
                if not 0 < port <= _MAX_PORT or (place not in masters and len(masters) >= MOST_NODES):
                    raise LinkError("the map of the cluster has too many nodes, or one without a port")
                owners[first : last + 1] = [masters.setdefault(place, len(masters))] * (last + 1 - first)
            case _:
                raise LinkError("the map of the cluster makes no sense")
    return SlotMap(tuple(owners), tuple(masters))


def _host(text: Answer) -> str:
    if text is None:
        return ""
    if not isinstance(text, bytes) or len(text) > _MAX_HOST or not text.isascii():
        raise LinkError("the map of the cluster makes no sense")
    return "" if text == b"?" else text.decode("ascii")


class ClusterRoute:
    """The way to whoever has a name; for one event loop."""

    def __init__(self, seeds: tuple[Place, ...], node_at: Callable[[Place], Node]) -> None:
        """Know nothing yet.

        Args:
            seeds: Nodes that can be asked for the others.
            node_at: Makes a node; nobody is connected to by that.
        """
        self._seeds = seeds
        self._node_at = node_at
        self._nodes: dict[Place, Node] = {}
        self._map = SlotMap((-1,) * SLOTS, ())
        self._moved: dict[int, Place] = {}  # slots of which redirections have told since the map was read
        self._turn = 0
        self._learning: asyncio.Task[None] | None = None

    async def ask(self, lane: Lane, name: str, words: tuple[Word, ...], until: float) -> Answer:
        """The answer to a command about a name."""
        slot = key_slot(name.encode())
        place = self._owner(slot) or await self._learned(slot, until)
        asking = False
        for _ in range(MOST_REDIRECTIONS):
            try:
                return await self._node(place).ask(lane, words, until, asking=asking)
            except RedirectedError as redirected:
                place, asking = self._redirected(place, redirected), redirected.asking
                if not asking:
                    self._moved[slot] = place
                    self._learn_soon()
        raise LinkError("the nodes of the cluster send each to another")

    def warm(self) -> None:
        """Begin to read the map."""
        self._learn_soon()

    async def probe(self, name: str) -> None:
        """See whether each slot has a master, each master answers, and one about a name."""
        await self._learn()
        if not self._map.whole:
            raise LinkError("there are slots of the cluster that no node has")
        async with asyncio.TaskGroup() as all_of_them:
            probes = [all_of_them.create_task(_outcome(self._node(place))) for place in self._map.masters]
        for probe in probes:
            if (error := probe.result()) is not None:
                raise error
        await answers_about(self, name)

    async def renew(self) -> None:
        """Use new connections."""
        for node in self._nodes.values():
            await node.renew()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)
        for node in self._nodes.values():
            await node.aclose()

    def _redirected(self, asked: Place, redirected: RedirectedError) -> Place:
        host, port = redirected.place
        place = (host or asked[0], port)
        if not 0 < port <= _MAX_PORT or (place not in self._nodes and len(self._nodes) >= MOST_NODES):
            raise LinkError("the nodes of the cluster send to more places than there can be")
        return place

    def _owner(self, slot: int) -> Place | None:
        return self._moved.get(slot) or self._map.owner(slot)

    def _node(self, place: Place) -> Node:
        if place not in self._nodes:
            self._nodes[place] = self._node_at(place)
        return self._nodes[place]

    async def _learned(self, slot: int, until: float) -> Place:
        """Who has a slot, once the map is read."""
        learning = self._learn_soon()
        try:
            async with asyncio.timeout_at(until):
                await asyncio.shield(learning)
        except TimeoutError:
            raise too_late(until, "no node of the cluster tells in time who has what") from None
        place = self._owner(slot)
        if place is None:
            raise LinkError("there are slots of the cluster that no node has")
        return place

    def _learn_soon(self) -> asyncio.Task[None]:
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._learn())
            self._learning.add_done_callback(_looked_at)
        return self._learning

    async def _learn(self) -> None:
        """Read the map from the first node that gives it.

        Raises:
            LinkError: none does.
        """
        reason = "no node of the cluster could be asked"
        for place in islice(self._candidates(), MOST_ASKED):
            until = asyncio.get_running_loop().time() + CONNECT_S
            try:
                found = read_map(await self._node(place).ask(Lane.QUICK, ("CLUSTER", "SLOTS"), until), place)
            except (LinkError, AloneError, RedirectedError) as error:
                reason = f"{place[0]}:{place[1]}: {error.reason}"
                self._turn += 1
            else:
                self._map = found
                self._moved.clear()
                await self._forget_all_but({*found.masters, *self._seeds})
                return
        raise LinkError(reason)

    def _candidates(self) -> Iterator[Place]:
        # Seeds first and last: what they are called outlives the nodes that have been seen behind them.
        known = tuple(dict.fromkeys((*self._seeds, *self._map.masters)))
        start = self._turn % len(known)
        yield from (*known[start:], *known[:start])

    async def _forget_all_but(self, places: set[Place]) -> None:
        # Who is still being asked may only just have become a master, of which whoever gave the map knows nothing.
        gone = [place for place, node in self._nodes.items() if place not in places and node.is_quiet]
        for place in gone:
            await self._nodes.pop(place).aclose()


async def _outcome(node: Node) -> LinkError | None:
    try:
        await node.probe()
    except LinkError as error:
        return error
    return None


def _looked_at(task: asyncio.Task[None]) -> None:
    """Whoever waited has been told; nobody else needs to be."""
    if not task.cancelled():
        task.exception()
