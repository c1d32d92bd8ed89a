"""Under whose keys CRLs about a certificate are looked for: of everybody who may have signed one, or certified who did.

Anybody who may issue certificates below some anchor can have CRLs held in any name. Who may speak for an issuer was
certified by the issuer, by its anchor or by whoever certified it (`crl_signers`): so what is held is found by these
keys, and what strangers have brought in the same name is not looked at.

What it does not do: decide. Each key here is one that names alone lead to.
"""

from service.core.crl.scope import asked_issuers
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical


def authority_keys(certificate: Certificate, issuer: Certificate, store: TrustStore) -> frozenset[bytes]:
    """The keys of all certificates at hand that bear the name of a CRL issuer, and of all above them.

    Every path that starts at one of them goes through these alone, whichever of several it is.

    Args:
        certificate: About which CRLs are looked for.
        issuer: Who issued it in some path.
        store: Where that path was built.

    Returns:
        DER of each SubjectPublicKeyInfo; the issuer's always.
    """
    found = {issuer.public_key.spki}
    names = [canonical(issuer.issuer.der), *asked_issuers(certificate)]
    seen: set[bytes] = set()
    while names:
        name = names.pop()
        if name not in seen:
            seen.add(name)
            for bearer in store.by_subject.get(name, ()):
                found.add(bearer.public_key.spki)
                names.append(canonical(bearer.issuer.der))
    return frozenset(found)
