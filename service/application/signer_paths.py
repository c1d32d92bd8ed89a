"""What is kept of a CRL's signer beside the CRL: its certificate and those above, for each path that was found to it.

Kept certificates have no authority (`core.decision.kept_signers`). They are kept so that a request that leaves them out
is decided as if it had not. What was kept first stays while it is valid: whoever comes later puts nobody out.
"""

from collections.abc import Iterable
from datetime import datetime

from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.malformed import MalformedError
from service.core.path.lineage import lineage

MAX_PATH_CERTIFICATES = 4
"""Certificates kept of one path. Who may sign is decided by the first of them whose name is another than the signer's:
the second most often."""

MAX_PATH_OCTETS = 16 << 10
"""DER kept of one path: two certificates with keys and signatures of ML-DSA-87, or a dozen of other kinds."""

MAX_PATHS = 4
"""Paths kept beside one CRL: a signer's certificate is renewed, or crossed, and the key stays."""

MAX_OCTETS = 2 * MAX_PATH_OCTETS
"""DER kept beside one CRL; most often it is one or two kilobytes."""


def encoded(path: Iterable[Certificate], room: int = MAX_PATH_OCTETS) -> tuple[bytes, ...]:
    """As much of a path as is kept, from the signer upwards.

    Args:
        path: The signer's certificate first.
        room: Octets that are left where several are put together.
    """
    kept: list[bytes] = []
    room = min(room, MAX_PATH_OCTETS)
    for certificate in path:
        room -= len(certificate.der)
        if room < 0 or len(kept) == MAX_PATH_CERTIFICATES:
            break
        kept.append(certificate.der)
    return tuple(kept)


def certifiers(path: Iterable[Certificate]) -> frozenset[bytes]:
    """The keys by which it is decided whether the first of a path may speak (`SignerPath.authorities`).

    Args:
        path: The certificate in question first, up to the anchor.

    Returns:
        DER of the SubjectPublicKeyInfos of those that bear its name, and of the first that does not.
    """
    return frozenset(one.public_key.spki for one in lineage(path))


def joined(kept: tuple[tuple[bytes, ...], ...], path: tuple[bytes, ...], at: datetime) -> tuple[tuple[bytes, ...], ...]:
    """What is kept from now on, where a CRL is fetched for somebody who has this path.

    Args:
        kept: What was kept until now.
        path: DER of the certificates, the signer's first; empty where there is none to keep.
        at: Paths whose signer's certificate has expired by then go.
    """
    lasting = tuple(one for one in kept if _lasts(one, at))
    octets = sum(len(der) for one in (*lasting, path) for der in one)
    is_crowded = len(lasting) == MAX_PATHS or octets > MAX_OCTETS or len(path) > MAX_PATH_CERTIFICATES
    return lasting if path in lasting or is_crowded or not _lasts(path, at) else (*lasting, path)


def _lasts(path: tuple[bytes, ...], at: datetime) -> bool:
    try:
        return bool(path) and read_certificate(path[0]).not_after >= at
    except MalformedError:
        return False
