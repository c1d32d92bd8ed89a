"""How many replicas, how much Redis, how much line: the arithmetic of `docs/capacity.md`, from what one thing costs.

What it does: multiplies. Every cost is measured (`bench.capacity`), every quantity of a fleet is said by whoever asks,
and each figure that comes out is one line here.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

HOUR_S: Final = 3600
DAY_S: Final = 86_400

MOST_PER_AUTHORITY: Final = 100_000_000
"""Certificates of one AWS Private CA with partitioned CRLs (docs.aws.amazon.com, quotas of AWS Private CA)."""

MOST_PER_PARTITION: Final = 20_400
"""Entries of 49 octets, each with a reason, in a partition of 1 MB: as many certificates as it must have room for."""

MOST_COMPLETE: Final = 1_000_000
"""Certificates of one AWS Private CA with one complete CRL."""

HEADROOM: Final = 0.5
"""Share of what workers can do that is planned for: one of two replicas may be gone."""

FEWEST_REPLICAS: Final = 2
"""So that one may be replaced."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What one thing costs, as it was measured.

    Attributes:
        verdict_s: Of a worker, for a verdict at first sight: no answer is kept.
        check_s: Of the prefetcher, for a source that has nothing new.
        take_in_s: Of the prefetcher, for a CRL of `crl_octets`.
        crl_octets: Of the CRL that was taken in.
        crl_in_redis: Octets that Redis takes for each octet of a CRL.
        entry_octets: Of one entry of a CRL.
        frame_octets: Of a CRL without entries.
        frame_in_redis: Octets that Redis takes for a CRL without entries.
        disk: Octets of a host's store for each octet of a CRL.
        frame_on_disk: Octets of a host's store for a CRL without entries.
        answer_octets: Of one OCSP answer, as it is sent.
        answer_in_redis: Octets that Redis takes for it.
        block_in_redis: Octets that Redis takes for a block.
    """

    verdict_s: float
    check_s: float
    take_in_s: float
    crl_octets: float
    crl_in_redis: float
    entry_octets: float
    frame_octets: float
    frame_in_redis: float
    disk: float
    frame_on_disk: float
    answer_octets: float
    answer_in_redis: float
    block_in_redis: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """What there is to do.

    Attributes:
        certificates: That are in use.
        requests_per_s: Of all of them together, answers that callers keep for their `valid_until` left out.
        revoked: Share of the certificates that CRLs list.
        changed: Share of the CRLs that are other ones in an interval.
        seen: Share of the certificates that are shown in an interval.
        interval_s: Seconds between two looks at a CRL, or at an OCSP answer.
        workers: Of one replica: its cores.
    """

    certificates: int
    requests_per_s: float
    revoked: float = 0.01
    changed: float = 0.1
    seen: float = 1.0
    interval_s: float = HOUR_S
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What that comes to.

    Attributes:
        crls: CRLs that each replica holds, with CRLs alone.
        crl_octets: Of all of them.
        redis_octets: With CRLs alone.
        ca_requests_per_s: Of the whole fleet, with CRLs alone; the number of replicas does not matter.
        ca_octets_per_s: Likewise.
        redis_octets_per_s: Out of Redis, to all replicas.
        prefetcher: Share of a core that each replica's prefetcher needs.
        disk_octets: Of each replica.
        ocsp_requests_per_s: Of the whole fleet, with OCSP alone.
        ocsp_redis_octets: In Redis, with OCSP alone.
    """

    replicas: int
    authorities: int
    crls: int
    crl_octets: float
    redis_octets: float
    ca_requests_per_s: float
    ca_octets_per_s: float
    redis_octets_per_s: float
    prefetcher: float
    disk_octets: float
    ocsp_requests_per_s: float
    ocsp_redis_octets: float


def plan(fleet: Fleet, costs: Costs) -> Plan:
    """What a fleet needs."""
    replicas = max(FEWEST_REPLICAS, 1 + ceil(fleet.requests_per_s * costs.verdict_s / (fleet.workers * HEADROOM)))
    crls = _crls(fleet.certificates)
    octets = crls * costs.frame_octets + fleet.certificates * fleet.revoked * costs.entry_octets
    asked_per_s = crls / fleet.interval_s
    changed_octets_per_s = octets * fleet.changed / fleet.interval_s
    answers = fleet.certificates * fleet.seen
    return Plan(
        replicas=replicas,
        authorities=ceil(fleet.certificates / MOST_PER_AUTHORITY),
        crls=crls,
        crl_octets=octets,
        redis_octets=octets * costs.crl_in_redis + crls * costs.frame_in_redis,
        ca_requests_per_s=asked_per_s,
        ca_octets_per_s=changed_octets_per_s,
        redis_octets_per_s=changed_octets_per_s * replicas,
        prefetcher=asked_per_s * costs.check_s + changed_octets_per_s / costs.crl_octets * costs.take_in_s,
        disk_octets=octets * costs.disk + crls * costs.frame_on_disk,
        ocsp_requests_per_s=answers / fleet.interval_s,
        ocsp_redis_octets=answers * costs.answer_in_redis,
    )


def _crls(certificates: int) -> int:
    """One complete CRL while there may be one, and partitions above that."""
    return 1 if certificates <= MOST_COMPLETE else ceil(certificates / MOST_PER_PARTITION)
