"""Taking a CRL in, and asking one about a serial number, from 1,000 entries to 1,000,000.

What is measured of whom:

- Revet, taking in: what the ingesting process does with a download: read, verify, and write the index to an empty store
  on this machine's disk.
- cryptography, taking in: load and verify; it has no index.
- Revet, looking up: one serial number that is not listed, in the store.
- cryptography, looking up: the same by `get_revoked_certificate_by_serial_number`, in a CRL that is loaded already.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.x509 import load_der_x509_crl

from bench.measuring import Contestant
from bench.pki import ROOT_CRL_URL, crl
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application.ingest import Ingester, IngestRules
from service.core.crl.entries import entry_key
from service.core.crl.scope import point_keys
from service.core.model.policy import Policy
from service.core.names.comparison import canonical
from tests.application.chain import order, read
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import Authority, key

SIZES: Final = (1_000, 100_000, 1_000_000)
TAKING_IN: Final = "Revet, taking in"
LOOKING_UP: Final = "Revet, looking up"
LOADING: Final = "cryptography, taking in"
SEARCHING: Final = "cryptography, looking up"

_RULES: Final = IngestRules(max_bytes=1 << 30, timeout_s=600.0, policy=Policy())


class _Host:
    """A store, empty each time it is opened anew, and what fills it."""

    def __init__(self, directory: Path, issuer: Authority, encoded: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self._directory = directory
        self._order = order(ROOT_CRL_URL, signers=(issuer,))
        self._origin = ScriptedOrigin({ROOT_CRL_URL: encoded})
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
        spool = FileSpool(self._directory)
        self._ingester = Ingester(self._origin, self.store, spool, ManualClock(), Recorder(), _RULES)

    def ingest(self) -> None:
        """Take the CRL in."""
        assert self._ingester is not None
        attempts = self._loop.run_until_complete(self._ingester.fetch(self._order))
        assert not attempts, attempts

    def close(self) -> None:
        """Close the store."""
        self._open.close()


@contextmanager
def contestants(entries: int) -> Iterator[list[Contestant]]:
    """Everybody, for a CRL of one size."""
    issuer = Authority.root("Root", key=key("rsa2048"))
    leaf = read(issuer.issue("leaf"))
    encoded = crl(issuer, entries, seed=1)
    loaded = load_der_x509_crl(encoded)
    name = canonical(leaf.issuer.der)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        taking_in, held = (_Host(directory / part, issuer, encoded, loop) for part in ("in", "held"))
        for host in (taking_in, held):
            stack.callback(host.close)
        held.renew()
        held.ingest()

        def look_up() -> None:
            assert held.store is not None
            (finding,) = held.store.find(name, point_keys(leaf), entry_key(name, leaf))
            assert finding.entry is None

        def search() -> None:
            assert loaded.get_revoked_certificate_by_serial_number(leaf.serial_number) is None

        def load() -> None:
            assert load_der_x509_crl(encoded).is_signature_valid(issuer.key.public_key())

        yield [
            Contestant(TAKING_IN, taking_in.ingest, taking_in.renew),
            Contestant(LOADING, load),
            Contestant(LOOKING_UP, look_up),
            Contestant(SEARCHING, search),
        ]
