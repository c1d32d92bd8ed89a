"""A generated case before anything is signed: every certificate, CRL and OCSP answer as what the builders are told.

Rules: a draft is a value that says everything; the same draft gives the same octets on every run. Everybody is known by
a label, which is a position in the hierarchy and neither a name nor a key: two authorities may bear one name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from hashlib import sha256
from typing import Final, TypeAlias, Unpack

from service.core.model.policy import PolicyInputs
from tests.pki import (
    Answer,
    Authority,
    CertificateOverrides,
    CrlOverrides,
    Entry,
    Extension,
    Issued,
    OcspOverrides,
    der,
    key,
)
from tests.pki.extensions import DistributionPoint

ROOT: Final = "root"
"""The label of the trust anchor."""

ROOT_NAME: Final = "CN=Root,O=Org"
"""The anchor's subject."""

LEAF: Final = "leaf"
"""The label of the certificate in question."""


class Method(Enum):
    """What is asked about revocation."""

    NONE = auto()
    """Nothing: the path alone."""
    CRL = auto()
    OCSP = auto()


@dataclass(frozen=True, slots=True)
class Certified:
    """One certificate.

    Attributes:
        label: Whose it is.
        subject: Its subject, as text; two of one name are self-issued where one issues the other.
        issuer: Label of who signs it.
        says: What the builder is told beyond its defaults.
    """

    label: str
    subject: str
    issuer: str
    says: CertificateOverrides = field(default_factory=CertificateOverrides)

    def saying(self, **overrides: Unpack[CertificateOverrides]) -> "Certified":
        """The same, told something else."""
        return replace(self, says={**self.says, **overrides})


@dataclass(frozen=True, slots=True)
class Listed:
    """One CRL.

    Attributes:
        signer: Label of who signs it.
        about: Labels of those whose revocation it may tell of.
        says: What the builder is told, entries included.
    """

    signer: str
    about: tuple[str, ...]
    says: CrlOverrides = field(default_factory=CrlOverrides)

    def saying(self, **overrides: Unpack[CrlOverrides]) -> "Listed":
        """The same, told something else."""
        return replace(self, says={**self.says, **overrides})

    @property
    def is_delta(self) -> bool:
        """Whether it has a deltaCRLIndicator."""
        return self.says.get("delta_base") is not None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What it lists; drafts spell out every entry."""
        return tuple(one for one in self.says.get("revoked", ()) if isinstance(one, Entry))


@dataclass(frozen=True, slots=True)
class Replied:
    """One OCSP answer.

    Attributes:
        about: Label of the certificate that it tells of.
        delegate: Label of who signs in place of the issuer; empty where the issuer does.
        says: What the builder is told.
        for_issuer: Label of the authority in whose name it speaks where that is not the certificate's issuer.
        subject: Label of whose serial number it is about where that is not the certificate's.
        beside: Further single responses.
    """

    about: str
    delegate: str = ""
    says: OcspOverrides = field(default_factory=OcspOverrides)
    for_issuer: str = ""
    subject: str = ""
    beside: tuple[Answer, ...] = ()

    def saying(self, **overrides: Unpack[OcspOverrides]) -> "Replied":
        """The same, told something else."""
        return replace(self, says={**self.says, **overrides})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One case.

    Attributes:
        root: What the anchor's builder is told.
        path: From below the anchor to the leaf.
        beside: Certificates that belong to no path of the leaf: signers of CRLs and of OCSP answers.
        lists: CRLs.
        replies: OCSP answers.
        inputs: What the caller asks of policies.
        method: What is asked of revocation.
        broken: Name of the mutation; empty where nothing is broken.
        target: Label of the certificate that is broken, or whose evidence is.
        whole: The case before anything was broken; None where nothing is.
    """

    root: CertificateOverrides = field(default_factory=CertificateOverrides)
    path: tuple[Certified, ...]
    beside: tuple[Certified, ...] = ()
    lists: tuple[Listed, ...] = ()
    replies: tuple[Replied, ...] = ()
    inputs: PolicyInputs = field(default_factory=PolicyInputs)
    method: Method = Method.NONE
    broken: str = ""
    target: str = ""
    whole: "Draft | None" = None

    @property
    def leaf(self) -> Certified:
        """The certificate in question."""
        return self.path[-1]

    @property
    def authorities(self) -> tuple[Certified, ...]:
        """Those between the anchor and the leaf."""
        return self.path[:-1]

    @property
    def has_policies(self) -> bool:
        """Whether any certificate of the path says anything about policies."""
        return any("policies" in one.says for one in self.path)

    def certified(self, label: str) -> Certified:
        """The certificate of a label."""
        return next(one for one in (*self.path, *self.beside) if one.label == label)

    def changing(self, label: str, **overrides: Unpack[CertificateOverrides]) -> "Draft":
        """The same, with the certificate of a label told something else."""
        path, beside = (
            tuple(one.saying(**overrides) if one.label == label else one for one in listed)
            for listed in (self.path, self.beside)
        )
        return replace(self, path=path, beside=beside)


Change: TypeAlias = Callable[[Draft, str], Draft | None]
"""From a draft and the label of the certificate that is meant to another draft; None where it changes nothing."""

UNKNOWN: Final = Extension("1.3.6.1.4.1.99999.9", der.null(), critical=True)
"""A critical extension that nobody knows."""

OTHER_KEY: Final = key("p256", 7)
"""A key that nobody has certified."""


def serial(label: str) -> int:
    """The serial number of everybody's certificate."""
    return int.from_bytes(sha256(label.encode()).digest()[:8], "big") | 1 << 62


@dataclass(frozen=True, slots=True)
class Scenario:
    """A case as octets: what a judge is given.

    Attributes:
        path: Leaf first, without the anchor.
        beside: Certificates that come along.
        crls: In no order that means anything.
        replies: Each with the label of its certificate's position in `path`.
    """

    draft: Draft
    root: bytes
    path: tuple[bytes, ...]
    beside: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    replies: tuple[tuple[int, bytes], ...]


def build(draft: Draft) -> Scenario:
    """Sign everything."""
    issued: dict[str, Issued] = {ROOT: Authority.root(ROOT_NAME, **draft.root).issued}
    for one in (*draft.path, *draft.beside):
        issued[one.label] = _certificate(one, issued[one.issuer])
    issuers = {one.label: one.issuer for one in draft.path}
    return Scenario(
        draft,
        root=issued[ROOT].der,
        path=tuple(issued[one.label].der for one in reversed(draft.path)),
        beside=tuple(issued[one.label].der for one in draft.beside),
        crls=tuple(Authority(issued[one.signer]).crl(**one.says) for one in draft.lists),
        replies=tuple(_reply(one, draft, issued, issuers) for one in draft.replies),
    )


def _certificate(one: Certified, issuer: Issued) -> Issued:
    told: CertificateOverrides = {
        "serial": serial(one.label),
        "key": key("p256", int.from_bytes(sha256(one.label.encode()).digest()[:4], "big")),
        **one.says,
    }
    if told.get("ca", False):
        return Authority(issuer).subordinate(one.subject, **told).issued
    return Authority(issuer).issue(one.subject, **told)


def _reply(one: Replied, draft: Draft, issued: Mapping[str, Issued], issuers: Mapping[str, str]) -> tuple[int, bytes]:
    speaker = issued[one.for_issuer or issuers[one.about]]
    says = dict(one.says)
    if one.delegate:
        says["responder"] = issued[one.delegate]
    position = [about.label for about in reversed(draft.path)].index(one.about)
    return position, Authority(speaker).ocsp(serial(one.subject or one.about), *one.beside, **says)  # type: ignore[arg-type]


def extension(one: Certified, oid: str) -> Extension | None:
    """The further extension of an OID that a certificate's builder is told to write."""
    return next((given for given in one.says.get("extensions", ()) if given.oid == oid), None)


def points(one: Certified) -> Sequence[DistributionPoint | str]:
    """The distribution points of a certificate."""
    given = one.says.get("crl_urls") or ()
    return (given,) if isinstance(given, str) else given
