"""Taking a CRL in, and asking one about a serial number, from 1,000 entries to 1,000,000.

What is measured of whom:

- Revet, taking in: what the ingesting process does with a download: read, verify, and write the index to an empty store
  on this machine's disk.
- Revet, from origin to answer: the same with what comes before and after, from asking an HTTP server for the CRL until
  the store has answered about a serial number. The server is a process of its own on this machine.
- cryptography, all entries: load, verify, and go through the entries, looking at none.
- The same two with entries of other forms (`bench.forms`): bare, without any extensions, of which cryptography makes
  least; and mixed, every form that occurs.
- Revet, looking up: one serial number that is not listed, in the store.
- cryptography, looking up: the same by `get_revoked_certificate_by_serial_number`, in a CRL that is loaded already.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop
from cryptography.x509 import load_der_x509_crl

from bench import forms
from bench.measuring import Contestant
from bench.origin import serving
from bench.pki import ROOT_CRL_URL, crl
from service.adapters.http.guard import EgressRules
from service.adapters.http.network import SystemResolver, TcpConnector
from service.adapters.http.origin import HttpOrigin
from service.adapters.http.slots import Slots
from service.adapters.http.transport import GuardedTransport, tls_context
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application.crl_fetcher import CrlOrder
from service.application.ingest import Ingester, IngestRules
from service.application.origin import Origin
from service.core.crl.entries import entry_key
from service.core.crl.scope import point_keys
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.names.comparison import canonical
from tests.application.chain import order, read
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import Authority, key

SIZES: Final = (1_000, 100_000, 1_000_000)
TAKING_IN: Final = "Revet, taking in"
LOOKING_UP: Final = "Revet, looking up"
ARRIVING: Final = "Revet, from origin to answer"
ITERATING: Final = "cryptography, all entries"
SEARCHING: Final = "cryptography, looking up"
OTHER_FORMS: Final = {form: (f"Revet, origin to answer, {form}", f"cryptography, {form}") for form in forms.FORMS}
"""By form: how ours and theirs are called."""

RULES: Final = IngestRules(max_bytes=1 << 30, timeout_s=600.0, policy=Policy())


class _Host:
    """A store, empty each time it is opened anew, and what fills it."""

    def __init__(self, directory: Path, wanted: CrlOrder, origin: Origin, loop: asyncio.AbstractEventLoop) -> None:
        self._directory = directory
        self._order = wanted
        self._keys = frozenset(signer.spki for signer in wanted.signers)
        self._origin = origin
        self._loop = loop
        self._numbers = count()
        self._open = ExitStack()
        self.store: Store | None = None
        self._ingester: Ingester | None = None

    def renew(self) -> None:
        """Open an empty store in place of the one before."""
        self.close()
        path = self._directory / str(next(self._numbers))
        self.store = self._open.enter_context(Store.open(path, Role.INGESTER))
        self._ingester = ingester(self.store, self._origin, self._directory)

    def ingest(self) -> None:
        """Take the CRL in."""
        assert self._ingester is not None
        attempts = self._loop.run_until_complete(self._ingester.fetch(self._order))
        assert not attempts, attempts

    def look_up(self, leaf: Certificate) -> None:
        """Ask about a certificate that is not listed."""
        assert self.store is not None
        name = canonical(leaf.issuer.der)
        (finding,) = self.store.find(name, point_keys(leaf), self._keys, entry_key(name, leaf))
        assert finding.entry is None

    def close(self) -> None:
        """Close the store."""
        self._open.close()


def ingester(store: Store, origin: Origin, spool: Path) -> Ingester:
    """Takes CRLs of any size in."""
    return Ingester(origin, store, FileSpool(spool), ManualClock(), Recorder(), RULES)


def loopback_origin() -> HttpOrigin:
    """The way out, as the service has it, to this machine alone."""
    rules = EgressRules.parse(("127.0.0.1",))
    transport = GuardedTransport(rules, tls_context(None), SystemResolver(), TcpConnector(), None)
    return HttpOrigin(transport, Slots(), "bench")


class _Course:
    """Where contestants of one size meet: a directory, an event loop, one issuer, and a leaf that no CRL lists."""

    def __init__(self, issuer: Authority, entries: int, stack: ExitStack) -> None:
        """Take whose CRLs they are, how many entries those have, and what ends all this."""
        self.leaf: Final = read(issuer.issue("leaf"))
        self._issuer = issuer
        self._entries = entries
        self._stack = stack
        self._directory = Path(stack.enter_context(TemporaryDirectory()))
        self._loop = uvloop.new_event_loop()
        stack.callback(self._loop.close)
        self._remote = loopback_origin()
        stack.callback(lambda: self._loop.run_until_complete(self._remote.aclose()))

    def host(self, name: str, url: str, origin: Origin) -> _Host:
        """A host that takes in what is at a URL."""
        host = _Host(self._directory / name, order(url, signers=(self._issuer,)), origin, self._loop)
        self._stack.callback(host.close)
        return host

    def arriving(self, name: str, octets: bytes) -> Contestant:
        """Ours, from an HTTP server to an answer."""
        (self._directory / name).write_bytes(octets)
        url = self._stack.enter_context(serving(self._directory / name))
        host = self.host(f"{name} held", url, self._remote)

        def arrive() -> None:
            host.ingest()
            host.look_up(self.leaf)

        return Contestant(name, arrive, host.renew)

    def iterating(self, name: str, octets: bytes) -> Contestant:
        """Theirs, through all entries."""

        def iterate() -> None:
            found = load_der_x509_crl(octets)
            assert found.is_signature_valid(self._issuer.key.public_key())
            assert sum(1 for _ in found) == self._entries

        return Contestant(name, iterate)


@contextmanager
def contestants(entries: int) -> Iterator[list[Contestant]]:
    """Everybody, for a CRL of one size."""
    issuer = Authority.root("Root", key=key("rsa2048"))
    with ExitStack() as stack:
        course = _Course(issuer, entries, stack)
        encoded = crl(issuer, entries, seed=1)
        loaded, leaf = load_der_x509_crl(encoded), course.leaf
        at_hand = ScriptedOrigin({ROOT_CRL_URL: encoded})
        taking_in, held = (course.host(part, ROOT_CRL_URL, at_hand) for part in ("in", "held"))
        held.renew()
        held.ingest()

        def search() -> None:
            assert loaded.get_revoked_certificate_by_serial_number(leaf.serial_number) is None

        yield [
            course.arriving(ARRIVING, encoded),
            course.iterating(ITERATING, encoded),
            Contestant(TAKING_IN, taking_in.ingest, taking_in.renew),
            Contestant(LOOKING_UP, lambda: held.look_up(leaf)),
            Contestant(SEARCHING, search),
            *_other_forms(issuer, entries, course.arriving, course.iterating),
        ]


def _other_forms(issuer: Authority, entries: int, *kinds: Callable[[str, bytes], Contestant]) -> Iterator[Contestant]:
    for form, contenders in OTHER_FORMS.items():
        encoded = forms.crl(issuer, form, entries)
        for kind, name in zip(kinds, contenders, strict=True):
            yield kind(name, encoded)
