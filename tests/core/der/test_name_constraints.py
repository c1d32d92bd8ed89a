"""nameConstraints (RFC 5280 §4.2.1.10), from octets to values."""

import pytest

from service.core.der.name_constraints import read_name_constraints
from service.core.model.certificate import NameConstraints
from service.core.model.malformed import MalformedError
from tests.core.names.trees import constraining, encoded, general_name, name_constraints
from tests.pki import der

BASE = encoded(general_name("DNS:example.com"))
SUBTREES = der.seq(der.seq(BASE))
PERMITTED = der.implicit(0, SUBTREES)
EXCLUDED = der.implicit(1, SUBTREES)


def read(value: bytes) -> NameConstraints:
    """The constraints in the value of an extension."""
    return read_name_constraints(value, 0, len(value))


@pytest.mark.parametrize(
    ("permitted", "excluded"),
    [
        (["DNS:example.com"], []),
        ([], ["DNS:example.com"]),
        (["DNS:example.com", "IP:10.0.0.0/8"], ["email:a@b", "URI:.example.com", "dir:CN=a", "dir:"]),
        # bases that are not of their form make no certificate illegible
        (["DNS:*.example.com", "DNS:", "DNS:."], ["IP:10.0.0.1", "email:a@b@c", "URI:http://a", "hex:7:"]),
        (["hex:0:060328010a", "hex:3:", "hex:5:", "hex:8:2a03"], []),
    ],
)
def test_constraints(permitted: list[str], excluded: list[str]) -> None:
    """Both lists, the bases as they stand."""
    assert read(constraining(permitted, excluded).value) == name_constraints(permitted, excluded)


def test_a_minimum_of_zero() -> None:
    """DER leaves it out, and it means the same where it is spelt out."""
    spelt_out = der.implicit(0, der.seq(der.seq(BASE, der.implicit(0, der.integer(0)))))
    assert read(der.seq(spelt_out)) == read(der.seq(PERMITTED))


def _subtree(*after: bytes) -> bytes:
    return der.seq(der.implicit(0, der.seq(der.seq(BASE, *after))))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated DER"),
        (der.null(), "DER tag 0x05 where 0x30 should be"),
        (der.seq(PERMITTED) + b"\0", "octets after the end of an extension's value"),
        (der.seq(), "empty nameConstraints"),
        (der.seq(der.implicit(0, der.seq())), "nameConstraints with an empty list of subtrees"),
        (der.seq(der.implicit(1, der.seq())), "nameConstraints with an empty list of subtrees"),
        (der.seq(PERMITTED, der.implicit(1, der.seq())), "nameConstraints with an empty list of subtrees"),
        (der.seq(der.implicit(0, der.seq()), EXCLUDED), "nameConstraints with an empty list of subtrees"),
        (der.seq(EXCLUDED, PERMITTED), "a field that is repeated or out of order"),
        (der.seq(PERMITTED, PERMITTED), "a field that is repeated or out of order"),
        (der.seq(der.implicit(2, SUBTREES)), "nameConstraints with an unknown field"),
        (der.seq(der.tlv(0x80, der.seq(BASE))), "nameConstraints with an unknown field"),
        (der.seq(der.implicit(0, der.seq(BASE))), "nameConstraints with something other than a subtree"),
        (der.seq(der.implicit(0, der.seq(der.seq()))), "truncated DER"),
        (der.seq(der.implicit(0, der.seq(der.seq(der.null())))), "a general name of no known form"),
        (_subtree(der.implicit(0, der.integer(1))), "a subtree with a minimum or a maximum"),
        (_subtree(der.implicit(1, der.integer(0))), "a subtree with a minimum or a maximum"),
        (
            _subtree(der.implicit(0, der.integer(0)), der.implicit(1, der.integer(5))),
            "a subtree with a minimum or a maximum",
        ),
        (_subtree(der.implicit(0, der.integer(0)) * 2), "a field that is repeated or out of order"),
        (_subtree(der.tlv(0x80, b"\0\0")), "an INTEGER that is not minimal"),
        (_subtree(der.tlv(0x80, b"")), "an empty INTEGER"),
        (_subtree(BASE), "a subtree with a minimum or a maximum"),
    ],
)
def test_refused(value: bytes, reason: str) -> None:
    """What does not decode, says nothing, or has what the RFC forbids."""
    with pytest.raises(MalformedError) as raised:
        read(value)
    assert raised.value.reason == reason
