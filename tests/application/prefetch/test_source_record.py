"""How much is remembered of those under whose keys a source may verify."""

from service.application.crl_fetcher import MAX_SPKI_OCTETS, CrlSigner
from service.application.prefetch.source_record import (
    MAX_RECORD_SIGNER_OCTETS,
    MAX_RECORD_SIGNERS,
    bounded_signers,
    each_once,
)

DIGEST = b"\x01" * 32


def signer(number: int, key_octets: int = 91, *path_octets: int) -> CrlSigner:
    """One with a key and certificates of so many octets."""
    path = tuple(bytes(octets) for octets in path_octets)
    return CrlSigner(bytes(32), bytes([number]) * key_octets, path, frozenset({DIGEST}))


def test_no_key_is_lost_for_want_of_room() -> None:
    """However long the keys are, and whatever certificates come with them: those go, and the keys stay."""
    longest = [signer(number, MAX_SPKI_OCTETS, 7_500, 7_500) for number in range(MAX_RECORD_SIGNERS + 1)]
    kept = bounded_signers(longest)
    assert longest[:MAX_RECORD_SIGNERS] == list(kept)
    assert [()] * MAX_RECORD_SIGNERS == [one.path for one in kept]
    assert [{DIGEST}] * MAX_RECORD_SIGNERS == [one.authorities for one in kept]


def test_certificates_have_the_room_that_the_keys_leave() -> None:
    """A path that fills it leaves no room for others, and one that is too long by itself leaves all of it."""
    room = MAX_RECORD_SIGNER_OCTETS - 3 * 91
    for first, expected in ((room, [room, 0, 0]), (room + 1, [0, 400, 400]), (room - 400, [room - 400, 400, 0])):
        kept = bounded_signers((signer(1, 91, first), signer(2, 91, 400), signer(3, 91, 400)))
        assert expected == [sum(map(len, one.path)) for one in kept]
        assert 3 == len(kept)


def test_each_is_there_once() -> None:
    """Where it stands first, with the first certificates that it has anywhere."""
    one, other = signer(1), signer(2, 91, 5)
    found = each_once((one, other, signer(1, 91, 400), signer(1, 91, 500), signer(2)))
    assert (one, other) == found
    assert [400, 5] == [len(each.path[0]) for each in found]
