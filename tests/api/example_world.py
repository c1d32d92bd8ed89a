"""The world in which the examples of the documentation are true."""

from typing import Final

from tests.api.fakes import OneId
from tests.api.world import World
from tests.pki import REVOKED_AT, Authority
from tests.pki.crl import Revoked

CRL_URL: Final = "http://crl.example/issuing.crl"
ROOT_CRL_URL: Final = "http://crl.example/root.crl"
DECISION: Final = "019b76daa8006f1d2c3b4a5968778695"

ROOT: Final = Authority.root("CN=Example Root,O=Example")
SUB: Final = ROOT.subordinate("CN=Example Issuing,O=Example", path_length=0, crl_urls=ROOT_CRL_URL)
DEVICE: Final = SUB.issue("CN=device-1,O=Example", san=["URI:urn:example:device:1"], crl_urls=CRL_URL, serial=0x5EED01)


def example_world(*, revoked: bool) -> World:
    """A host that holds the CRLs of both authorities."""
    listed: Revoked = {DEVICE.serial: (REVOKED_AT, "keyCompromise")} if revoked else {}
    world = World(stores={"default": (ROOT,)}, ids=OneId(DECISION))
    world.shelf.hold(ROOT.crl(number=3), ROOT.issued.spki, ROOT_CRL_URL)
    world.shelf.hold(SUB.crl(revoked=listed, number=7), SUB.issued.spki, CRL_URL)
    return world
