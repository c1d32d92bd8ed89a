"""Whom a caller trusts."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.core.model.certificate import Certificate


@dataclass(frozen=True, slots=True)
class TrustStore:
    """One trust store, indexed for path building by `path.trust_store`.

    Attributes:
        name: What requests call it.
        version: Digest of everything in it: verdicts never outlive it.
        certificates: What the store itself holds.
        anchors: Trust anchors (RFC 5280 §6.1.1 (d)).
        intermediates: Certificates a path may go through, the configured ones included.
        by_subject: Both of them under the canonical form of their subject, anchors first.
        presented: Those of the intermediates that came with a request: nobody vouches for them.
    """

    name: str
    version: bytes
    certificates: frozenset[Certificate]
    anchors: frozenset[Certificate]
    intermediates: frozenset[Certificate]
    by_subject: Mapping[bytes, tuple[Certificate, ...]]
    presented: frozenset[Certificate] = frozenset()
