"""Where things are below the data directory, who holds it and makes it ready, and which version this is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version

import structlog

from service.adapters.arrival_table import make_table
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.readying import ready_store
from service.adapters.lmdb.tenancy import only_service
from service.adapters.metrics_directory import prepare_metrics_directory
from service.application.evidence_store import StoreError
from service.settings import Settings

VERSION = version("revet")

STORE_DIRECTORY = "store"
"""Below the data directory: the host's store."""

SPOOL_DIRECTORY = "spool"
"""Below the data directory: downloads while they are read."""

TRUST_STORE_COPIES = "trust-stores"
"""Below the data directory: the last good versions of trust stores that are written down elsewhere."""

PENDING_DIRECTORY = "pending"
"""Below the data directory: CRLs whose issuer nobody knows yet."""

DECISIONS_DIRECTORY = "decisions"
"""Below the data directory: what was decided, and what it rests on."""

METRICS_DIRECTORY = "metrics"
"""Below the data directory: where the processes share their counters."""

ARRIVALS = "arrivals"
"""In that directory: when the next request of each caller is due."""


@contextmanager
def hold_data_directory(settings: Settings) -> Iterator[None]:
    """Keep the data directory for this service alone, with a store that its processes can open.

    A second service would empty the counters of the first, and an older store is brought forward before anybody reads.

    Raises:
        StoreError: it cannot be used, or another service has it.
    """
    store = settings.data_dir / STORE_DIRECTORY
    prepare(store)
    with only_service(store):
        brought = ready_store(store)
        if brought is not None:
            structlog.get_logger("revet").info(
                "store_brought_forward", found=brought.found, kept=dict(brought.kept), dropped=dict(brought.dropped)
            )
        yield


def prepare_metrics(settings: Settings) -> Mapping[str, str]:
    """Empty the directory where the processes share their counters, before the first of them is started.

    Returns:
        What the environment of every child must have.

    Raises:
        StoreError: it cannot be made or emptied, or there is no room for them.
    """
    directory = settings.data_dir / METRICS_DIRECTORY
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = prepare_metrics_directory(directory)
        with suppress(OSError):  # each worker counts callers for itself then, and says so where they are limited
            make_table(directory / ARRIVALS)
    except OSError as error:
        raise StoreError(f"cannot use the directory of the counters {directory}: {error}") from error
    return environment
