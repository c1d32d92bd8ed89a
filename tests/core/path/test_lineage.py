"""Who stands behind the name of somebody in a path."""

from service.core.der.certificate import read_certificate
from service.core.path.lineage import lineage
from tests.pki import Authority, key


def test_up_to_the_first_of_another_name() -> None:
    """However its letters are written; whoever is above that one, of the first name or not, has certified many."""
    root = Authority.root("Root")
    above = root.subordinate("Above", key=key("p256", 1))
    older = above.subordinate("SUB", key=key("p256", 2))
    signer = older.subordinate("Sub", key=key("p256", 3))
    path = tuple(read_certificate(one.der) for one in (signer, older, above, older, root))
    assert path[:3] == tuple(lineage(path))
    assert [path[:1], path[:2]] == [tuple(lineage(path[:end])) for end in (1, 2)]
    assert () == tuple(lineage(()))
