"""Which certificates of the key that signed are tried, and in which order."""

from typing import Final

from tests.core.path.chains import built, path, read, store
from tests.pki import Authority, key

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
OTHER: Final = ROOT.subordinate("Sub", key=key("p256", 5))


def reissued(*, before: Authority | None = None, after: Authority | None = None, mute: bool = False) -> Authority:
    """`SUB` in a certificate whose fingerprint is below or above another's."""
    for serial in range(1, 200):
        one = SUB.reissue(serial=serial, key_usage=frozenset({"keyCertSign"})) if mute else SUB.reissue(serial=serial)
        own = read(one).fingerprint
        if (before is None or own < read(before).fingerprint) and (after is None or own > read(after).fingerprint):
            return one
    raise AssertionError


def test_another_key_between_two_certificates_of_the_signer() -> None:
    """Another key is passed over, and what comes after it is tried."""
    first, last = reissued(before=OTHER), reissued(after=OTHER)
    leaf = SUB.issue("leaf", authority_key_identifier=None)
    expected = [path(leaf, first, ROOT), path(leaf, last, ROOT)]
    assert expected == built(leaf, store(ROOT, first, OTHER, last))


def test_certificates_that_let_the_key_sign_crls_come_first() -> None:
    """A list that revokes the leaf is heard whichever certificate of its issuer a caller presents beside."""
    leaf = SUB.issue("leaf")
    mute = reissued(before=SUB, mute=True)
    assert [path(leaf, SUB, ROOT), path(leaf, mute, ROOT)] == built(leaf, store(ROOT, SUB, mute))


def test_an_absent_key_usage_lets_the_key_sign_crls() -> None:
    """It forbids nothing, so that the fingerprint decides beside one that allows it."""
    leaf = SUB.issue("leaf")
    silent = SUB.reissue(key_usage=None)
    mute = reissued(before=silent, mute=True)
    assert [path(leaf, silent, ROOT), path(leaf, mute, ROOT)] == built(leaf, store(ROOT, silent, mute))
