"""What a worker has to find in order before requests are sent to it."""

import asyncio
from collections.abc import Mapping
from typing import Final

from service.adapters.ipc.client import PrefetcherClient
from service.adapters.lmdb.store import Store
from service.api.operations import CheckResult, Condition, ReadinessCheck
from service.application.blocks import Blocks, BlocksUnavailableError
from service.application.evidence_store import StoreError
from service.application.prefetch.holding import in_words, missing, waiting
from service.application.trust_store_source import DEFAULT_STORE
from service.application.trust_stores import TrustStores
from service.bootstrap.answering import Answering
from service.bootstrap.fleet import fleet_check
from service.bootstrap.prefetching import prefetch_configuration
from service.bootstrap.rotation import Rotating
from service.settings import Settings

ESSENTIAL_CHECKS: Final = ("trust_stores", "store", "blocks")
"""Without these no request is answered as it should be. The others depend on the prefetcher, which comes last where a
service gets other settings."""


def compose_checks(
    settings: Settings, answering: Answering, client: PrefetcherClient, rotating: Rotating
) -> Mapping[str, ReadinessCheck]:
    """All of them, by the names that `/readyz` has for them."""
    return {
        "trust_stores": _trust_stores_check(answering.stores, has_default=settings.trust_store is not None),
        "store": _store_check(answering.store),
        "blocks": _blocks_check(answering.blocks),
        "crl_sources": _crl_sources_check(settings, answering.store),
        "prefetcher": _prefetcher_check(client),
        "files": rotating.check,
        **({} if settings.redis_url is None else {"fleet": fleet_check(client)}),
    }


def _trust_stores_check(stores: TrustStores, *, has_default: bool) -> ReadinessCheck:
    """Whether there are any; and the one that is asked for where none is named, where the settings say what it is."""

    async def check() -> CheckResult:
        problems = stores.problems()
        detail = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        names = stores.names()
        if not names or (has_default and DEFAULT_STORE not in names):
            return CheckResult(Condition.FAILED, detail or "none is loaded")
        return CheckResult(Condition.IMPAIRED if problems else Condition.GOOD, detail)

    return check


def _store_check(store: Store) -> ReadinessCheck:
    """Whether the host's store can be read."""

    async def check() -> CheckResult:
        try:
            await asyncio.to_thread(store.held)
        except StoreError as error:
            return CheckResult(Condition.FAILED, str(error))
        return CheckResult(Condition.GOOD)

    return check


def _blocks_check(blocks: Blocks) -> ReadinessCheck:
    """Whether anybody can say what is blocked: nothing is decided otherwise."""

    async def check() -> CheckResult:
        try:
            await blocks.current()
        except BlocksUnavailableError as error:
            return CheckResult(Condition.FAILED, error.reason)
        return CheckResult(Condition.GOOD)

    return check


def _prefetcher_check(client: PrefetcherClient) -> ReadinessCheck:
    async def check() -> CheckResult:
        answers = await client.answers()
        return CheckResult(Condition.GOOD) if answers else CheckResult(Condition.FAILED, "it does not answer")

    return check


def _crl_sources_check(settings: Settings, store: Store) -> ReadinessCheck:
    """Whether every CRL of the configured places was held once: what was held is served, however old it is by now."""
    configured = prefetch_configuration(settings).sources
    was_held = False

    async def check() -> CheckResult:
        nonlocal was_held
        if was_held:
            return CheckResult(Condition.GOOD)
        try:
            problems = await asyncio.to_thread(missing, store, configured)
            unclaimed = await asyncio.to_thread(waiting, store)
        except StoreError as error:
            return CheckResult(Condition.FAILED, str(error))
        if problems:
            return CheckResult(Condition.FAILED, in_words(problems))
        was_held = not unclaimed
        return CheckResult(Condition.IMPAIRED if unclaimed else Condition.GOOD, in_words(unclaimed))

    return check
