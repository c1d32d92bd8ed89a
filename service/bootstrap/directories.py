"""Where things are below the data directory, who holds it, and which version this is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.tenancy import only_service
from service.adapters.metrics_directory import prepare_metrics_directory
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

METRICS_DIRECTORY = "metrics"
"""Below the data directory: where the processes share their counters."""


@contextmanager
def hold_data_directory(settings: Settings) -> Iterator[None]:
    """Keep the data directory for this service alone; a second one would empty the counters of the first.

    Raises:
        StoreError: it cannot be used, or another service has it.
    """
    store = settings.data_dir / STORE_DIRECTORY
    prepare(store)
    with only_service(store):
        yield


def prepare_metrics(settings: Settings) -> Mapping[str, str]:
    """Empty the directory where the processes share their counters, before the first of them is started.

    Returns:
        What the environment of every child must have.

    Raises:
        OSError: it cannot be made or emptied.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return prepare_metrics_directory(settings.data_dir / METRICS_DIRECTORY)
