"""What clients put into their requests: no header of theirs stands in for the one of the front, and none hides it."""

from itertools import combinations, permutations
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.client_cert.header import HeaderNames
from service.api.reply import Header
from service.api.rules import ApiRules
from service.application.fronts import Front
from tests.api.asgi import Exchange
from tests.api.authorizing import CHAIN_HEADER, HEADERS, handed_over, proxy, trusting
from tests.api.client_cert.any_headers import FOREIGN_NAMES, VALUES
from tests.api.world import LEAF, ROOT, SUB, World
from tests.pki import Authority, key

pytestmark = pytest.mark.anyio

VICTIM: Final = LEAF
MINE: Final = SUB.issue("mine")
FORGED: Final = Authority.root("Sub", key=key("p384", 7)).issue("leaf", serial=LEAF.serial)
"""The victim's name and serial number, under a key that nobody trusts."""

WORLD: Final = trusting(ROOT, SUB)
OWN: Final = proxy(WORLD)


def told(answer: Exchange) -> tuple[int | None, bytes, bytes | None]:
    """What a proxy acts on."""
    return answer.status, answer.headers[b"x-revet-code"], answer.headers.get(b"x-revet-subject")


def of_others(front: Front) -> list[Header]:
    """The victim's certificate in every header but those of a front."""
    return [one for other in Front if other is not front for one in handed_over(other, VICTIM.der, SUB.issued.der)]


@pytest.mark.parametrize("front", Front)
async def test_every_header_at_once(front: Front) -> None:
    """The front's own counts, wherever it stands among the others."""
    own, others = handed_over(front, MINE.der), of_others(front)
    for place in range(len(others) + 1):
        answer = await OWN.ask(front, [*others[:place], *own, *others[place:]])
        assert (200, b"ok", b"CN=mine") == told(answer)


async def test_every_order() -> None:
    """Of one header for each front, asked by one of them."""
    headers = {front: handed_over(front, (MINE if front is Front.NGINX else VICTIM).der)[0] for front in Front}
    subjects = set()
    for order in permutations(Front):
        subjects.add(told(await OWN.ask("nginx", [headers[front] for front in order])))
    assert {(200, b"ok", b"CN=mine")} == subjects


@pytest.mark.parametrize("front", Front)
async def test_every_other_header_and_none_of_its_own(front: Front) -> None:
    """There is no certificate then."""
    others = [one for one in of_others(front) if one[0] != CHAIN_HEADER or front is not Front.RFC9440]
    assert (401, b"no_certificate", None) == told(await OWN.ask(front, others))


@pytest.mark.parametrize("front", Front)
async def test_beside_the_proxys_own(front: Front) -> None:
    """A client's copy of the very header makes two of it, before or behind, the same or another, empty or not."""
    own, name = handed_over(front, MINE.der), HEADERS[front]
    for copy in (*handed_over(front, VICTIM.der), *own, (name, b""), (name, b"garbage")):
        for headers in ([copy, *own], [*own, copy]):
            assert (400, b"bad_request", None) == told(await OWN.ask(front, headers))


@pytest.mark.parametrize("front", Front)
async def test_names_that_look_alike(front: Front) -> None:
    """With underscores, with other endings: another header."""
    name, value = handed_over(front, VICTIM.der)[0]
    alike = (name.replace(b"-", b"_"), name + b"-", b"x-" + name, name[:-1], name.replace(b"-", b"--", 1))
    for other in alike:
        assert (401, b"no_certificate", None) == told(await OWN.ask(front, [(other, value)]))
        answer = await OWN.ask(front, [(other, value), *handed_over(front, MINE.der)])
        assert (200, b"ok", b"CN=mine") == told(answer)


@pytest.mark.parametrize("front", Front)
async def test_somebody_elses_name_on_ones_own_certificate(front: Front) -> None:
    """Nothing: neither alone, nor with the issuer's real certificate beside it."""
    for chain in ((FORGED.der,), (FORGED.der, SUB.issued.der)):
        status, code, subject = told(await OWN.present(front, *chain))
        assert (403, None) == (status, subject)
        assert code in {b"bad_signature", b"untrusted"}


async def test_two_headers_of_two_fronts() -> None:
    """Each pair of fronts: whichever is asked reads its own."""
    for one, other in combinations(Front, 2):
        headers = [*handed_over(one, MINE.der), *handed_over(other, VICTIM.der)]
        assert (b"CN=mine", b"CN=leaf") == (
            told(await OWN.ask(one, headers))[2],
            told(await OWN.ask(other, headers))[2],
        )


async def test_the_header_that_the_operator_has_named() -> None:
    """It alone: the usual one is any header then."""
    world = trusting(ROOT, SUB, rules=ApiRules(header_names=HeaderNames(nginx=b"x-our-cert")))
    value = handed_over(Front.NGINX, MINE.der)[0][1]
    usual = handed_over(Front.NGINX, VICTIM.der)
    asked = proxy(world)
    assert (200, b"ok", b"CN=mine") == told(await asked.ask("nginx", [*usual, (b"x-our-cert", value)]))
    assert (401, b"no_certificate", None) == told(await asked.ask("nginx", usual))


async def test_answers_that_the_client_brings_along() -> None:
    """Headers of ours in a request are nobody's."""
    mine = [
        (b"x-revet-decision", b"allow"),
        (b"x-revet-code", b"ok"),
        (b"x-revet-subject", b"CN=victim"),
        (b"x-revet-decision-id", b"mine"),
        (b"x-accel-expires", b"999"),
    ]
    answer = await proxy(World()).ask("nginx", [*mine, *handed_over(Front.NGINX, LEAF.der)])
    assert (403, b"untrusted", None) == told(answer)
    assert b"x-accel-expires" not in answer.headers


@given(st.sampled_from(Front), st.lists(st.tuples(st.sampled_from(FOREIGN_NAMES), VALUES), max_size=4))
async def test_no_foreign_header_changes_an_answer(front: Front, foreign: list[Header]) -> None:
    """Whatever it holds."""
    expected = told(await OWN.present(front, MINE.der))
    assert expected == told(await OWN.ask(front, [*foreign, *handed_over(front, MINE.der), *foreign]))


@given(st.sampled_from(Front), VALUES)
async def test_any_value_is_answered(front: Front, value: bytes) -> None:
    """Never our fault, and never an allow of anything that no authority has issued."""
    WORLD.faults.clear()
    answer = await OWN.ask(front, [(HEADERS[front], value)])
    assert [] == WORLD.faults
    assert answer.status in {200, 400, 401, 403}
    if answer.status == 200:
        assert answer.headers[b"x-revet-subject"].startswith(b"CN=")
