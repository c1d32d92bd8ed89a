"""What the settings say of the world outside: the way out, the trust stores and the operator's policy."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from service.adapters.clock import SystemClock
from service.adapters.http.guard import EgressRules, proxy_target
from service.adapters.http.network import SystemResolver, TcpConnector
from service.adapters.http.origin import HttpOrigin
from service.adapters.http.slots import Slots
from service.adapters.http.transport import GuardedTransport, tls_context
from service.adapters.places import MissingExtraError
from service.adapters.trust_store_files import read_places
from service.adapters.trust_store_places import RemoteRules, TrustStorePlaces
from service.application.observer import NullObserver, Observer
from service.application.places import PlaceError
from service.application.trust_store_source import DEFAULT_STORE, TrustStoreSourceError
from service.application.trust_stores import TrustStores
from service.application.trusted_responders import TrustedResponderError, read_trusted_responders
from service.bootstrap.directories import TRUST_STORE_COPIES, VERSION
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import build_trust_store
from service.settings import Settings, SettingsError
from service.settings.model import setting


def check_trust_stores(settings: Settings) -> None:
    """Read the trust stores once, as a worker would, and the trusted responders.

    A default store that is elsewhere is not asked for: a service starts without it, and is not ready until it has it.

    Raises:
        SettingsError: one cannot be used, or there is no trust store.
    """
    places = trust_store_places(settings)
    stores = TrustStores(places.files, SystemClock())
    stores.load()
    problems = tuple(f"trust store {name}: {problem}" for name, problem in stores.problems().items())
    if problems or not (stores.names() or places.remote):
        raise SettingsError(problems or ("there is no trust store",))
    policy_of(settings)


async def open_trust_stores(
    settings: Settings,
    data_dir: Path,
    origin: HttpOrigin,
    wanted: Callable[[], int] | None,
    stack: AsyncExitStack,
    *,
    observer: Observer = NullObserver(),  # noqa: B008 - it never changes
) -> TrustStores:
    """The trust stores, read once.

    Args:
        settings: The settings.
        data_dir: Where copies of those are kept that are elsewhere.
        origin: The way out.
        wanted: A number that is raised when it is worth looking for newer ones; None where nobody says so.
        stack: What is to be closed afterwards.
        observer: Is told of every change.

    Raises:
        SettingsError: a place that the settings name cannot be used.
    """
    clock = SystemClock()
    rules = RemoteRules(data_dir / TRUST_STORE_COPIES, settings.trust_store_poll_s, settings.fetch_timeout_s, wanted)
    stores = TrustStores(await trust_store_places(settings).open(rules, origin, clock, stack), clock, observer)
    stores.load()
    return stores


def local_trust_store(settings: Settings) -> TrustStore:
    """The trust store that requests mean which name none, as far as it is on this host; an empty one otherwise."""
    stores = TrustStores(trust_store_places(settings).files, SystemClock())
    stores.load()
    return stores.in_force(DEFAULT_STORE) or build_trust_store(DEFAULT_STORE, ())


@asynccontextmanager
async def open_origin(settings: Settings) -> AsyncIterator[HttpOrigin]:
    """The way out, for commands that fetch one thing."""
    origin = make_origin(settings)
    try:
        yield origin
    finally:
        await origin.aclose()


def make_origin(settings: Settings) -> HttpOrigin:
    """The way out, with the guard on it; whoever makes it closes it."""
    proxy = None if settings.egress_proxy is None else proxy_target(settings.egress_proxy)
    rules = EgressRules.parse(settings.egress_allow)
    tls = tls_context(settings.egress_ca_bundle)
    transport = GuardedTransport(rules, tls, SystemResolver(), TcpConnector(), proxy)
    return HttpOrigin(transport, Slots(), f"revet/{VERSION}")


def policy_of(settings: Settings) -> Policy:
    """The operator's policy, with the responders that the settings name in files.

    Raises:
        SettingsError: a file cannot be used.
    """
    try:
        responders = read_trusted_responders(read_places(settings.ocsp_trusted_responders))
    except (TrustStoreSourceError, TrustedResponderError) as error:
        raise SettingsError((f"{setting('ocsp_trusted_responders')}: {error.reason}",)) from None
    return replace(settings.policy(), trusted_responders=responders)


def trust_store_places(settings: Settings) -> TrustStorePlaces:
    """Where the trust stores are written down.

    Raises:
        SettingsError: the default store's place is none, or what reads it is not installed.
    """
    try:
        return TrustStorePlaces(settings.trust_store, settings.trust_store_dir, settings.intermediates)
    except (PlaceError, MissingExtraError) as error:
        raise SettingsError((f"{setting('trust_store')}: {error}",)) from None
