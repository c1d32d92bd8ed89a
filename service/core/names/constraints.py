"""The names of a certificate against the name constraints of another (RFC 5280 §4.2.1.10, §6.1.3 (b), (c)).

Constraints of one form say nothing about names of another. Within one certificate a name has to lie in one of the
permitted subtrees of its form, if there are any, and in no excluded one. Where that cannot be told, because nobody here
processes the form, or a name or a base is not of its form, the answer is that it cannot: never that it may pass.

Beside what the RFC asks for, dNSName and iPAddress constraints hold for what looks like such a name in the common names
of a certificate without one (`common_names`), and rfc822Name constraints for emailAddress attributes of every subject,
not only where there is no subjectAltName.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto

from service.core.der.name import Attribute, read_rdns
from service.core.model.certificate import Certificate, NameConstraints
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.names.address import address_path, address_subtree, mapped_subtrees, written_address
from service.core.names.directory import directory_path, directory_subtree
from service.core.names.dns import dns_path, dns_subtree, is_like_a_dns_name
from service.core.names.mailbox import is_smtp_utf8, mailbox_path, mailbox_subtree, smtp_utf8_path
from service.core.names.subtrees import Path, Relation, Subtree, Subtrees, index_subtrees
from service.core.names.uri import host_subtree, uri_path

COMMON_NAME = "2.5.4.3"
EMAIL_ADDRESS = "1.2.840.113549.1.9.1"

_IA5_STRING = 0x16

OCTETS_A_STEP = 4
"""Reading a name takes time that grows with its length: about as much for so many octets as for looking it up once."""

_PATHS: Mapping[GeneralNameKind, Callable[[bytes], Path | None]] = {
    GeneralNameKind.RFC822_NAME: mailbox_path,
    GeneralNameKind.DNS_NAME: dns_path,
    GeneralNameKind.DIRECTORY_NAME: directory_path,
    GeneralNameKind.URI: uri_path,
    GeneralNameKind.IP_ADDRESS: address_path,
}
"""How the names of each form that is processed are read."""

_IN_COMMON_NAMES = frozenset({GeneralNameKind.DNS_NAME, GeneralNameKind.IP_ADDRESS})

_SUBTREES: Mapping[GeneralNameKind, Callable[[bytes], Subtree | None]] = {
    GeneralNameKind.RFC822_NAME: mailbox_subtree,
    GeneralNameKind.DNS_NAME: dns_subtree,
    GeneralNameKind.DIRECTORY_NAME: directory_subtree,
    GeneralNameKind.URI: host_subtree,
    GeneralNameKind.IP_ADDRESS: address_subtree,
}


class Permission(Enum):
    """What the constraints of one certificate say about a name."""

    GRANTED = auto()
    DENIED = auto()
    UNDECIDABLE = auto()
    """A form that is not processed, or a name or a base that is not of its form."""


@dataclass(frozen=True, slots=True)
class PresentedName:
    """A name of a certificate, as constraints see it.

    Attributes:
        kind: The form whose constraints hold for it.
        path: Where it lies; None where it cannot be read.
        source: What stands in the certificate, for people.
        any_case: Where it lies without regard to case, where it has none; it is not to be excluded there either.
    """

    kind: GeneralNameKind
    path: Path | None
    source: GeneralName
    any_case: Path | None = None


@dataclass(frozen=True, slots=True)
class ConstraintIndex:
    """The name constraints of one certificate by form.

    Attributes:
        permitted: A form that is absent is not restricted.
        excluded: The excluded subtrees.
        excluded_in_any_case: Those of mail addresses once more, without regard to case.
    """

    permitted: Mapping[GeneralNameKind, Subtrees]
    excluded: Mapping[GeneralNameKind, Subtrees]
    excluded_in_any_case: Subtrees

    @property
    def kinds(self) -> AbstractSet[GeneralNameKind]:
        """The forms that are constrained."""
        return self.permitted.keys() | self.excluded.keys()

    @property
    def steps(self) -> int:
        """What it costs at most to look up one name."""
        lists = (*self.permitted.values(), *self.excluded.values(), self.excluded_in_any_case)
        return 1 + sum(len(one.lengths) for one in lists)


def index_constraints(constraints: NameConstraints) -> ConstraintIndex:
    """The constraints of a certificate, read once for all names."""
    return ConstraintIndex(
        permitted=_by_kind(constraints.permitted),
        excluded=_by_kind(constraints.excluded),
        excluded_in_any_case=index_subtrees(
            mailbox_subtree(one.value.lower())
            for one in constraints.excluded
            if one.kind is GeneralNameKind.RFC822_NAME
        ),
    )


def _by_kind(bases: Iterable[GeneralName]) -> dict[GeneralNameKind, Subtrees]:
    found: dict[GeneralNameKind, list[Subtree | None]] = {}
    for base in bases:
        read = _SUBTREES.get(base.kind)
        subtrees = found.setdefault(base.kind, [])
        subtrees.append(None if read is None else read(base.value))
        if base.kind is GeneralNameKind.IP_ADDRESS:
            subtrees.extend(mapped_subtrees(base.value))
    return {kind: index_subtrees(subtrees) for kind, subtrees in found.items()}


def presented_names(certificate: Certificate, kinds: AbstractSet[GeneralNameKind]) -> Iterator[PresentedName]:
    """The names of a certificate of the forms given: its subject where it has one, and its subjectAltName.

    An SmtpUTF8Mailbox is there twice: as a mail address (RFC 9549) and as the otherName that it is.
    """
    if GeneralNameKind.DIRECTORY_NAME in kinds and not certificate.subject.is_empty:
        yield _presented(GeneralName(GeneralNameKind.DIRECTORY_NAME, certificate.subject.der))
    for name in certificate.extensions.subject_alternative_names:
        if name.kind in kinds:
            yield _presented(name)
    if GeneralNameKind.RFC822_NAME in kinds:
        yield from _other_mailboxes(certificate)


def _presented(name: GeneralName) -> PresentedName:
    read = _PATHS.get(name.kind)
    return PresentedName(name.kind, None if read is None else read(name.value), name)


def _other_mailboxes(certificate: Certificate) -> Iterator[PresentedName]:
    """The mail addresses of a certificate that are no rfc822Name."""
    for name in certificate.extensions.subject_alternative_names:
        if name.kind is GeneralNameKind.OTHER_NAME and is_smtp_utf8(name.value):
            yield PresentedName(GeneralNameKind.RFC822_NAME, smtp_utf8_path(name.value), name)
    for attribute in _attributes(certificate, EMAIL_ADDRESS):
        value = attribute.der if attribute.text is None else attribute.text.encode()
        source = GeneralName(GeneralNameKind.RFC822_NAME, value)
        if attribute.der[0] == _IA5_STRING:
            # RFC 2985 §5.2.1: the attribute matches without regard to case, unlike an rfc822Name.
            yield PresentedName(source.kind, mailbox_path(value), source, any_case=mailbox_path(value.lower()))
        else:
            # RFC 5280 §A.1 knows no other string: some read it all the same, and some pass it over.
            yield PresentedName(source.kind, None, source)


def common_names(certificate: Certificate, kinds: AbstractSet[GeneralNameKind]) -> Iterator[PresentedName]:
    """The common names that somebody may take for DNS names or IP addresses, of a certificate that has no such name.

    RFC 5280 leaves them alone, and RFC 9525 tells clients to; but there are servers that know their clients by common
    name, and OpenSSL beside them refuses such a certificate.

    Args:
        certificate: The leaf: nobody takes the common name of a CA for a host.
        kinds: The forms that are asked for; others than dNSName and iPAddress have no common names.
    """
    missing = kinds & _IN_COMMON_NAMES - {name.kind for name in certificate.extensions.subject_alternative_names}
    for attribute in _attributes(certificate, COMMON_NAME) if missing else ():
        text = (attribute.text or "").rstrip("\0")
        address = written_address(text)
        if "\0" in text:
            # Some read the beginning and some the whole.
            source = GeneralName(GeneralNameKind.DNS_NAME, text.encode())
            yield from (PresentedName(kind, None, source) for kind in missing)
        elif address is not None and GeneralNameKind.IP_ADDRESS in missing:
            yield _presented(GeneralName(GeneralNameKind.IP_ADDRESS, address))
        elif GeneralNameKind.DNS_NAME in missing and is_like_a_dns_name(text):
            yield _presented(GeneralName(GeneralNameKind.DNS_NAME, text.encode()))


def _attributes(certificate: Certificate, kind: str) -> Iterator[Attribute]:
    """The attributes of one type in a certificate's subject."""
    return (one for rdn in read_rdns(certificate.subject.der) for one in rdn if one.type == kind)


def judge(name: PresentedName, constraints: ConstraintIndex) -> Permission:
    """What the constraints of one certificate say about a name; what is excluded is, whatever is permitted."""
    permitted = constraints.permitted.get(name.kind)
    excluded = constraints.excluded.get(name.kind)
    inside = Relation.INSIDE if permitted is None else permitted.relation(name.path)
    outside = Relation.OUTSIDE if excluded is None else excluded.relation(name.path)
    if outside in (Relation.INSIDE, Relation.PARTLY) or inside in (Relation.OUTSIDE, Relation.PARTLY):
        return Permission.DENIED
    if name.any_case is not None and constraints.excluded_in_any_case.relation(name.any_case) is Relation.INSIDE:
        return Permission.DENIED
    return Permission.UNDECIDABLE if Relation.UNKNOWN in (inside, outside) else Permission.GRANTED


def cost(names: Iterable[GeneralName]) -> int:
    """What it costs to read names or bases, in steps."""
    return sum(1 + len(name.value) // OCTETS_A_STEP for name in names)
