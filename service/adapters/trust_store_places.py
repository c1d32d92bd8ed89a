"""Where trust stores are written down, in files or elsewhere: from the settings to the source that is read.

What it does not do: read anything before it is asked to.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.adapters.kept_copies import KeptCopies
from service.adapters.places import open_places, require_extras
from service.adapters.trust_store_files import TrustStoreFiles
from service.application.clock import Clock
from service.application.origin import Origin
from service.application.places import FilePlace, PinnedPlace, parse_trust_place
from service.application.remote_trust_store import RemoteTrustStore, WithRemoteDefault
from service.application.trust_store_source import TrustStoreSource

FIRST_LOOK_S: Final = 3.0
"""Seconds that a start waits for a trust store that is elsewhere: then it goes on with the copy of the last time, or
without and not ready."""


@dataclass(frozen=True, slots=True)
class RemoteRules:
    """How what is elsewhere is looked at.

    Attributes:
        copies: Directory for the last good versions.
        poll_s: Seconds between two looks.
        timeout_s: Seconds for one.
        wanted: A number that is raised when it is worth looking sooner; None where nobody says so.
    """

    copies: Path
    poll_s: float
    timeout_s: float
    wanted: Callable[[], int] | None = None


class TrustStorePlaces:
    """Where the trust stores of a service are written down."""

    def __init__(self, default: str | None, directory: Path | None, intermediates: Iterable[Path] = ()) -> None:
        """Take the places.

        Args:
            default: Of the store called `default`; None for none.
            directory: Every `NAME.pem` in it is a store called NAME; None for none.
            intermediates: Files, or directories of files.

        Raises:
            PlaceError: `default` is no place.
            MissingExtraError: what reads it is not installed.
        """
        pinned = None if default is None else parse_trust_place(default)
        local = None
        if default is not None and pinned is not None and isinstance(pinned.place, FilePlace):
            # As it is written, for messages.
            local = pinned.place.path if "://" in default else Path(default)
            pinned = None
        require_extras(() if pinned is None else (pinned.place,))
        self.files = TrustStoreFiles(local, directory, intermediates)
        self.remote: PinnedPlace | None = pinned

    async def open(self, rules: RemoteRules, origin: Origin, clock: Clock, stack: AsyncExitStack) -> TrustStoreSource:
        """Begin to look at what is elsewhere, and wait a little for it.

        Args:
            rules: How.
            origin: The guarded way out.
            clock: Time.
            stack: Ends the looking.

        Raises:
            StoreError: the directory for copies cannot be used.
        """
        if self.remote is None:
            return self.files
        places = open_places(origin, (self.remote.place,), rules.timeout_s, stack)
        store = RemoteTrustStore(self.remote, places, KeptCopies(rules.copies), clock, rules.poll_s, rules.wanted)
        looking = asyncio.create_task(store.run())
        stack.callback(looking.cancel)
        await store.looked(FIRST_LOOK_S)
        return WithRemoteDefault(self.files, store)
