"""The oracle: knows what was revoked, blocked and unblocked when and where, and which answers were wrong.

Rules it keeps: an answer is judged by the moment at which it was asked for and the moment at which it came, and what
was permitted at *any* moment between counts for whoever is judged. What may still be allowed:

- a blocked certificate, for a second after the 201, and on a replica that was cut off from Redis then, until it was
  back for some seconds; on one replica alone, where that answered 503 with `local`, for no moment after the answer;
- a revoked certificate that declares a CRL, while the last list without it may have been fetched: for one interval
  after its publication and some patience, and never after that list has ended;
- one that declares a responder alone, until the last answer ends that called it good.

A deny as `revoked` or `blocked` of what never was, `revocation_unavailable` while the authority is there, and every
answer that is no 200 are wrong as well.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from threading import Lock
from typing import Any, Final

from tests.e2e.fleet.ca_control import Revocation
from tests.e2e.fleet.population import Client, Declares

BLOCK_S: Final = 1.0
"""Within which a block is in force everywhere."""

RECONNECTED_S: Final = 5.0
"""Within which a replica that is back at Redis has what was blocked meanwhile: a probe each second, and a reading."""

MOST_TOLD: Final = 20
"""Wrong verdicts that are kept with everything that is known of them."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What is permitted.

    Attributes:
        interval_s: Between two fetches of one CRL by the fleet.
        extra_s: For a fetch, for a lease to end, for a machine that does other things too.
        skew_s: What evidence is used for beyond its end.
    """

    interval_s: float
    extra_s: float
    skew_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """One verdict.

    Attributes:
        asked_at: Before the request was sent; seconds since the epoch, as all moments here.
        answered_at: After its answer was read.
        replica: Which replica.
        number: Which certificate.
        code: Of the answer; the status where that was no 200.
        document: The answer.
    """

    asked_at: float
    answered_at: float
    replica: int
    number: int
    code: str
    document: Mapping[str, Any] = field(repr=False)


@dataclass(slots=True)
class _Block:
    """A block of one certificate.

    Attributes:
        asked_at: Before which nobody can know of it.
        since: From when it is in force everywhere; infinite where it was never answered with 201.
        local: From when it is in force at single replicas.
        removing_at: From when on it may be gone.
        removed_at: From when on it is gone everywhere; infinite where nobody has promised that.
    """

    asked_at: float
    since: float = inf
    local: dict[int, float] = field(default_factory=dict)
    removing_at: float = inf
    removed_at: float = inf


class Oracle:
    """Hears every verdict."""

    def __init__(self, clients: tuple[Client, ...], patience: Patience) -> None:
        """Nothing has happened yet."""
        self.patience = patience
        self.codes: Counter[str] = Counter()
        self.asked = 0
        self.wrong: list[str] = []
        self.wrong_count = 0
        self._clients = clients
        self._blocks: dict[int, list[_Block]] = {}
        self._away: list[tuple[float, float]] = []
        self._cut: dict[int, list[tuple[float, float]]] = {}
        self._heard: list[Heard] = []
        self._lock = Lock()

    def hear(self, asked_at: float, answered_at: float, replica: int, results: Iterable[tuple[int, Any]]) -> None:
        """Hear answers to one request: numbers of certificates with the JSON of their verdicts."""
        with self._lock:
            for number, document in results:
                code = str(document.get("code", "problem")) if isinstance(document, dict) else "problem"
                self.asked += 1
                self.codes[code] += 1
                self._heard.append(Heard(asked_at, answered_at, replica, number, code, document))

    def failed(self, replica: int, what: str) -> None:
        """A request was answered with a 5xx, or not at all."""
        with self._lock:
            self.asked += 1
            self.codes["failed"] += 1
            self._tell(f"replica {replica}: {what}")

    def blocking(self, number: int, at: float) -> None:
        """Somebody is about to block a certificate."""
        with self._lock:
            self._blocks.setdefault(number, []).append(_Block(at))

    def blocked(self, number: int, at: float) -> None:
        """It was answered with 201."""
        with self._lock:
            block = self._blocks[number][-1]
            block.since = min(block.since, at)

    def blocked_locally(self, number: int, replica: int, at: float) -> None:
        """It was answered with 503 and `local`."""
        with self._lock:
            self._blocks[number][-1].local[replica] = at

    def unblocking(self, number: int, at: float) -> None:
        """Somebody is about to remove its blocks."""
        with self._lock:
            for block in self._blocks.get(number, []):
                block.removing_at = min(block.removing_at, at)

    def unblocked(self, number: int, at: float) -> None:
        """That was answered with 204."""
        with self._lock:
            for block in self._blocks.get(number, []):
                block.removed_at = min(block.removed_at, at)

    def authority_away(self, begun: float, ended: float) -> None:
        """The authority could not be asked in that time."""
        with self._lock:
            self._away.append((begun, ended))

    def cut_off(self, replica: int, begun: float, ended: float) -> None:
        """A replica could not reach Redis in that time."""
        with self._lock:
            self._cut.setdefault(replica, []).append((begun, ended))

    def judge(self, truth: Mapping[int, Revocation]) -> int:
        """Judge what was heard since the last time, by what is known now; how many were wrong in all.

        Args:
            truth: What the authority knows of what it has revoked.
        """
        with self._lock:
            heard, self._heard = self._heard, []
            for one in heard:
                complaint = self._complaint(one, truth.get(one.number))
                if complaint is not None:
                    client = self._clients[one.number]
                    self._tell(
                        f"{complaint}: replica {one.replica}, certificate {one.number} ({client.declares}), asked at "
                        f"{one.asked_at:.3f}, answered at {one.answered_at:.3f}; {truth.get(one.number)}; "
                        f"{self._blocks.get(one.number)}; {one.document}"
                    )
            return self.wrong_count

    def _tell(self, complaint: str) -> None:
        self.wrong_count += 1
        if len(self.wrong) < MOST_TOLD:
            self.wrong.append(complaint)

    def _complaint(self, one: Heard, revocation: Revocation | None) -> str | None:
        match one.code:
            case "ok":
                if any(
                    _stands(block, one, self._cut.get(one.replica, [])) for block in self._blocks.get(one.number, ())
                ):
                    return "allowed although blocked"
                if revocation is not None and one.asked_at > self._limit(one.number, revocation):
                    return "allowed although revoked"
                return None
            case "revoked":
                known = revocation is not None and revocation.at < one.answered_at
                return None if known else "denied as revoked, and is not"
            case "blocked":
                known = any(_may_stand(block, one) for block in self._blocks.get(one.number, ()))
                return None if known else "denied as blocked, and is not"
            case "revocation_unavailable":
                return None if self._was_away(one.asked_at, one.answered_at) else "unavailable without a reason"
            case _:
                return "another verdict than these certificates can have"

    def _limit(self, number: int, revocation: Revocation) -> float:
        """Until when a certificate may still be allowed."""
        patience = self.patience
        if self._clients[number].declares is Declares.OCSP:
            return revocation.answer_ends_at + patience.skew_s
        prompt = revocation.published_at + patience.interval_s + patience.extra_s
        if self._was_away(revocation.published_at, prompt):
            prompt = inf
        return min(prompt, revocation.list_ends_at + patience.skew_s)

    def _was_away(self, begun: float, ended: float) -> bool:
        extra = self.patience.extra_s
        return any(away < ended and begun < back + extra for away, back in self._away)


def _stands(block: _Block, one: Heard, cuts: Iterable[tuple[float, float]]) -> bool:
    """Whether a block was in force where a verdict came from, all the time that it took."""
    everywhere = block.since + BLOCK_S
    for begun, ended in cuts:
        if begun < everywhere and block.since < ended:
            everywhere = max(everywhere, ended + RECONNECTED_S)
    since = min(everywhere, block.local.get(one.replica, inf))
    return since < one.asked_at and one.answered_at < block.removing_at


def _may_stand(block: _Block, one: Heard) -> bool:
    """Whether anybody could know of a block at the time of a verdict."""
    return block.asked_at < one.answered_at and one.asked_at < block.removed_at + BLOCK_S
