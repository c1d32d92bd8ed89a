"""Certificate policies (RFC 5280 §6.1 with RFC 9618) beside what PKITS has: what callers accept, and what it may cost.

Root issues Outer, Outer issues Sub, and Sub issues the leaf. A policy is written as a number, and `*` is anyPolicy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.core.model.certificate import ANY_POLICY
from service.core.model.failure import Code
from service.core.model.policy import PolicyInputs
from tests.conformance.case import GOOD, REQUIRING, Case, Corpus, Expected, refused
from tests.conformance.corpora.making import ROOT, case, crls
from tests.pki import Authority, CertificateOverrides, Extension, der

_ARC: Final = "1.3.6.1.4.1.99999.4"
_MAPPINGS: Final = "2.5.29.33"
_CONSTRAINTS: Final = "2.5.29.36"
_INHIBIT_ANY: Final = "2.5.29.54"
_VIOLATION: Final = refused(Code.POLICY_VIOLATION)

LEVELS: Final = 7
"""Authorities in a row whose mappings multiply: a tree would have 8 ** 7 leaves, some two million."""
WIDTH: Final = 8


def policies() -> Corpus:
    """What a path and a caller agree to."""
    made = (*_accepted(), *_required(), *_mapped(), *_any(), *_costly())
    return Corpus(
        "policies", "the policies that a path and a caller agree to, told in full and at a bounded cost", made
    )


@dataclass(frozen=True, slots=True)
class Asserted:
    """What one certificate says about policies: `1 2`, `*`, or nothing for no extension.

    Attributes:
        mapped: Pairs of issuerDomainPolicy and subjectDomainPolicy: `1>2 1>3`.
        explicit: requireExplicitPolicy, after how many more certificates.
        no_mapping: inhibitPolicyMapping.
        no_any: inhibitAnyPolicy.
    """

    policies: str = ""
    mapped: str = ""
    explicit: int | None = None
    no_mapping: int | None = None
    no_any: int | None = None

    def overrides(self) -> CertificateOverrides:
        """What makes a certificate say it."""
        return {"policies": tuple(map(_oid, self.policies.split())) or None, "extensions": tuple(self._extensions())}

    def _extensions(self) -> Iterator[Extension]:
        if self.mapped:
            pairs = (pair.split(">") for pair in self.mapped.split())
            encoded = (der.seq(*(der.oid(_oid(one)) for one in pair)) for pair in pairs)
            yield Extension(_MAPPINGS, der.seq(*encoded), critical=True)
        counts = enumerate((self.explicit, self.no_mapping))
        fields = [der.implicit(number, der.integer(count)) for number, count in counts if count is not None]
        if fields:
            yield Extension(_CONSTRAINTS, der.seq(*fields), critical=True)
        if self.no_any is not None:
            yield Extension(_INHIBIT_ANY, der.integer(self.no_any), critical=True)


def _oid(policy: str) -> str:
    return ANY_POLICY if policy == "*" else f"{_ARC}.{policy}"


def _oids(text: str) -> frozenset[str]:
    return frozenset(map(_oid, text.split()))


def _allowed(text: str) -> Expected:
    """Allowed, with these policies and no others."""
    return replace(GOOD, authorized_policies=_oids(text))


def _inputs(
    accept: str = "*", *, explicit: bool = False, no_mapping: bool = False, no_any: bool = False
) -> PolicyInputs:
    return PolicyInputs(_oids(accept), explicit, no_mapping, no_any)


def _path(name: str, rule: str, said: Sequence[Asserted], inputs: PolicyInputs, expected: Expected) -> Case:
    """A case about a path below Root whose certificates say this, from the top to the leaf."""
    *above, last = said
    authority, path, about = ROOT, list[Authority](), [ROOT.crl()]
    for number, one in enumerate(above):
        authority = authority.subordinate(f"CA {number}", **one.overrides())
        path.insert(0, authority)
        about.append(authority.crl())
    leaf = authority.issue("leaf", **last.overrides())
    policy = replace(REQUIRING, policies=inputs)
    return case(name, rule, (leaf, *path), crls(*about), expected, policy=policy)


def _plain(*said: str) -> list[Asserted]:
    return [Asserted(one) for one in said]


def _accepted() -> Iterator[Case]:
    rows = (
        ("all-agree", _plain("1 2 3", "1 2", "1"), "*", "1"),
        ("several-are-left", _plain("1 2 3", "1 2", "1 2 4"), "*", "1 2"),
        ("none-is-left", _plain("1", "2", "1"), "*", ""),
        ("nobody-says-anything", _plain("", "", ""), "*", ""),
        ("one-says-nothing", _plain("1", "", "1"), "*", ""),
        ("any-in-between", _plain("1 2", "*", "1"), "*", "1"),
        ("any-everywhere", _plain("*", "*", "*"), "*", "*"),
        ("any-at-the-end", _plain("1 2", "1 2", "*"), "*", "1 2"),
        ("accepted", _plain("1 2", "1 2", "1 2"), "2", "2"),
        ("accepted-among-others", _plain("1 2", "1 2", "1 2"), "2 3", "2"),
        ("accepted-any-and-one", _plain("1 2", "1 2", "1 2"), "* 2", "1 2"),
        ("any-meets-one", _plain("*", "*", "*"), "2", "2"),
        ("any-meets-several", _plain("*", "*", "*"), "2 3", "2 3"),
    )
    for name, said, accept, left in rows:
        for explicit in (False, True):
            rule = f"The path and the caller agree to {left or 'nothing'} (RFC 9618 §5.5)."
            expected = _VIOLATION if explicit and not left else _allowed(left)
            suffix = "-required" if explicit else ""
            yield _path(f"{name}{suffix}", rule, said, _inputs(accept, explicit=explicit), expected)
    for name, said, accept in (
        ("refused", _plain("1", "1", "1"), "2"),
        ("refused-several", _plain("1 2", "1 2", "1 2"), "3 4"),
    ):
        for explicit, expected in ((False, _allowed("")), (True, _VIOLATION)):
            rule = "The caller accepts none of the path's (RFC 5280 §6.1.5 (g))."
            suffix = "-required" if explicit else ""
            yield _path(f"{name}{suffix}", rule, said, _inputs(accept, explicit=explicit), expected)


def _required() -> Iterator[Case]:
    for skipped, expected in ((0, _VIOLATION), (1, _VIOLATION), (2, _VIOLATION), (3, _allowed("")), (9, _allowed(""))):
        said = [Asserted("1", explicit=skipped), Asserted("1"), Asserted("2")]
        rule = "requireExplicitPolicy takes effect after so many certificates (RFC 5280 §6.1.4 (i), §6.1.5 (a))."
        yield _path(f"explicit-after-{skipped}", rule, said, _inputs(), expected)
    said = [Asserted("1"), Asserted("1"), Asserted("2", explicit=0)]
    rule = "requireExplicitPolicy of the last certificate counts where it is 0 (RFC 5280 §6.1.5 (b))."
    yield _path("explicit-at-the-end", rule, said, _inputs(), _VIOLATION)
    anchor = Authority.root("Requiring Root", **Asserted(explicit=0).overrides())
    for name, policy, expected in (("met", "1", _allowed("1")), ("not-met", "", _VIOLATION)):
        sub = anchor.subordinate("Sub", **Asserted(policy).overrides())
        leaf, about = sub.issue("leaf", **Asserted(policy).overrides()), crls(anchor.crl(), sub.crl())
        rule = "An anchor's own policyConstraints hold as well (RFC 5937 §3.2)."
        yield case(f"explicit-by-the-anchor-{name}", rule, (leaf, sub), about, expected, trusted=[anchor])


def _mapped() -> Iterator[Case]:
    section = "RFC 5280 §6.1.4 (b)"
    rows: tuple[tuple[str, list[Asserted], PolicyInputs, Expected], ...] = (
        ("mapped", [Asserted("1", "1>2"), Asserted("2"), Asserted("2")], _inputs(explicit=True), _allowed("1")),
        (
            "mapped-and-accepted",
            [Asserted("1", "1>2"), Asserted("2"), Asserted("2")],
            _inputs("1", explicit=True),
            _allowed("1"),
        ),
        (
            "mapped-and-not-accepted",
            [Asserted("1", "1>2"), Asserted("2"), Asserted("2")],
            _inputs("2", explicit=True),
            _VIOLATION,
        ),
        ("mapped-away", [Asserted("1", "1>2"), Asserted("1"), Asserted("1")], _inputs(explicit=True), _VIOLATION),
        (
            "mapped-twice",
            [Asserted("1", "1>2"), Asserted("2", "2>3"), Asserted("3")],
            _inputs(explicit=True),
            _allowed("1"),
        ),
        (
            "mapped-to-several",
            [Asserted("1", "1>2 1>3"), Asserted("3"), Asserted("3")],
            _inputs(explicit=True),
            _allowed("1"),
        ),
        (
            "several-to-one",
            [Asserted("1 2", "1>3 2>3"), Asserted("3"), Asserted("3")],
            _inputs(explicit=True),
            _allowed("1 2"),
        ),
        (
            "any-and-mapped",
            [Asserted("*", "1>2"), Asserted("2"), Asserted("2")],
            _inputs("1", explicit=True),
            _allowed("1"),
        ),
        (
            "inhibited-by-the-caller",
            [Asserted("1", "1>2"), Asserted("2"), Asserted("2")],
            _inputs(explicit=True, no_mapping=True),
            _VIOLATION,
        ),
        (
            "inhibited-above",
            [Asserted("1", no_mapping=0), Asserted("1", "1>2"), Asserted("2")],
            _inputs(explicit=True),
            _VIOLATION,
        ),
        (
            "inhibited-later",
            [Asserted("1", no_mapping=1), Asserted("1", "1>2"), Asserted("2")],
            _inputs(explicit=True),
            _allowed("1"),
        ),
        ("from-any", [Asserted("*", "*>2"), Asserted("2"), Asserted("2")], _inputs(), _VIOLATION),
        ("to-any", [Asserted("1", "1>*"), Asserted("2"), Asserted("2")], _inputs(), _VIOLATION),
        ("from-any-by-the-leaf", [Asserted("1"), Asserted("1"), Asserted("1", "*>2")], _inputs(), _VIOLATION),
        ("to-any-by-the-leaf", [Asserted("1"), Asserted("1"), Asserted("1", "1>*")], _inputs(), _VIOLATION),
        ("mapped-by-the-leaf", [Asserted("1"), Asserted("1"), Asserted("1", "1>2")], _inputs(), _allowed("1")),
    )
    for name, said, inputs, expected in rows:
        yield _path(name, f"One authority's policy is another's ({section}, (a)).", said, inputs, expected)


def _any() -> Iterator[Case]:
    section = "RFC 5280 §6.1.3 (d)(2), §6.1.4 (j)"
    rows = (
        ("any-inhibited-by-the-caller", _plain("1", "*", "1"), _inputs(explicit=True, no_any=True), _VIOLATION),
        ("any-inhibited-at-the-end", _plain("1", "1", "*"), _inputs(explicit=True, no_any=True), _VIOLATION),
        (
            "any-inhibited-above",
            [Asserted("1", no_any=0), Asserted("*"), Asserted("1")],
            _inputs(explicit=True),
            _VIOLATION,
        ),
        (
            "any-inhibited-later",
            [Asserted("1", no_any=1), Asserted("*"), Asserted("1")],
            _inputs(explicit=True),
            _allowed("1"),
        ),
        (
            "any-inhibited-in-time",
            [Asserted("1", no_any=1), Asserted("1"), Asserted("*")],
            _inputs(explicit=True),
            _VIOLATION,
        ),
    )
    for name, said, inputs, expected in rows:
        yield _path(name, f"anyPolicy counts until it is inhibited ({section}).", said, inputs, expected)


def _costly() -> Iterator[Case]:
    numbers = [str(number) for number in range(1, WIDTH + 1)]
    every = " ".join(numbers)
    crosswise = " ".join(f"{one}>{other}" for one in numbers for other in numbers)
    said = [*(Asserted(every, crosswise) for _ in range(LEVELS)), Asserted("1")]
    rule = "Mappings that multiply at every level cost no more than they say (RFC 9618 §3)."
    yield _path("multiplied", rule, said, _inputs(explicit=True), _allowed(every))
    yield _path("multiplied-and-accepted", rule, said, _inputs("3", explicit=True), _allowed("3"))
    yield _path("multiplied-for-nothing", rule, [*said[:-1], Asserted("99")], _inputs(explicit=True), _VIOLATION)
