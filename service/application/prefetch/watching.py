"""The operator's places: what is in them becomes sources, newer versions are asked for, what is gone is forgotten.

Rules it keeps: a place that cannot be listed keeps its sources, and one that is configured no more keeps none,
whatever becomes of the others; what is forgotten here stays held, since removing a file is no way to take back what it
said. What nobody here has verified has said nothing: it waits no longer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from service.application.clock import Clock
from service.application.origin import OriginError
from service.application.origin_headers import Validators
from service.application.places import Content, FilePlace, Place, PlaceObject, Places, S3Place, UrlPlace
from service.application.prefetch.inventory import Inventory
from service.application.prefetch.source_record import PlaceRecord, SourceRecord
from service.application.prefetch.telling import PlaceDetails, PrefetchObserver
from service.core.prefetch.inventory import Source, SourceKind, SourceState

FILES_EVERY_S = 1.0
"""Seconds between two looks at a directory: as often as at trust stores, and as cheap."""

BUCKETS_EVERY_S = 30.0
"""Seconds between two listings of a bucket: each costs money, and a prefix of 10,000 objects takes ten requests."""

LONGEST_FILE = 1 << 40
"""Octets, so many that a look at a file is never refused for them: nothing is read of it."""

UPLOADS_DIRECTORY = "uploads"
"""Below the data directory."""


class PlaceWatch:
    """Looks at the configured places, each in its own time."""

    def __init__(
        self,
        configured: tuple[Place, ...],
        uploads: Place,
        places: Places,
        inventory: Inventory,
        clock: Clock,
        observer: PrefetchObserver,
    ) -> None:
        """Take the places; nothing is looked at yet.

        Args:
            configured: Those of the operator.
            uploads: The directory of what was uploaded: a place like any other, that may be empty for ever.
            places: Lists them.
            inventory: Takes up what is found.
            clock: Time.
            observer: Is told of every change.
        """
        self._all = tuple(dict.fromkeys((*configured, uploads)))
        self._places = places
        self._inventory = inventory
        self._clock = clock
        self._observer = observer
        self._seen: dict[Place, frozenset[str]] = {}
        self._shown: Counter[str] = Counter()
        self._called: dict[str, Place] = {str(place): place for place in self._all}

    def is_operators(self, url: str) -> bool:
        """Whether a URL is one that the operator named."""
        return any(isinstance(place, UrlPlace) and place.url == url for place in self._all)

    async def begin(self) -> None:
        """Forget what an earlier configuration named."""
        await self._inventory.keep_places(str(place) for place in self._all)
        await self._inventory.forget([key for key in self._configured_keys() if not self._listing(key)])

    @property
    def all_places(self) -> tuple[Place, ...]:
        """Those of the operator, and that of uploads."""
        return self._all

    def every_s(self, place: Place) -> float:
        """Seconds between two looks at a place."""
        match place:
            case FilePlace():
                return FILES_EVERY_S
            case S3Place() | UrlPlace():
                return BUCKETS_EVERY_S

    async def look_at(self, place: Place) -> bool:
        """List a place; whether anything is to be fetched because of it."""
        before = next((one for one in self._inventory.places() if one.place == str(place)), None)
        try:
            objects = tuple([await self._stamped(one) for one in await self._places.list(place)])
        except OriginError as error:
            problem = f"{error.problem.value}: {error.detail}"
            record = PlaceRecord(str(place), None if before is None else before.listed_at, 0, problem)
            if before is not None:
                record = replace(before, problem=problem)
            self._tell(before, record)
            await self._inventory.put_place(record)
            return False
        listed_at = self._clock.now() if before is None or before.listed_at is None else before.listed_at
        record = PlaceRecord(str(place), listed_at, len(objects))
        self._tell(before, record)
        # The sources first: a place that says that it was looked at promises that its sources are known.
        changed = await self._take_up(place, objects)
        await self._inventory.put_place(record)
        return changed

    async def _stamped(self, found: PlaceObject) -> PlaceObject:
        """A file that is named itself is listed without a look at it: here is the look."""
        if found.version or not isinstance(found.place, FilePlace):
            return found
        known = self._inventory.get(found.key)
        version = "" if known is None else known.version
        try:
            async with self._places.read(found.place, LONGEST_FILE, version) as content:
                return replace(found, version=content.version if isinstance(content, Content) else version)
        except OriginError:
            return replace(found, version=version)

    async def _take_up(self, place: Place, objects: tuple[PlaceObject, ...]) -> bool:
        seen = self._seen.get(place)
        self._seen[place] = frozenset(one.key for one in objects)
        self._shown.update(self._seen[place])
        self._shown.subtract(seen or ())
        changed = tuple(self._changed(objects))
        if changed:
            await self._inventory.put(*changed)
        before = frozenset(self._configured_keys()) if seen is None else seen
        await self._inventory.forget([key for key in before - self._seen[place] if not self._may_be_there(key)])
        return bool(changed)

    def _configured_keys(self) -> Iterator[str]:
        for record in self._inventory.records():
            if record.source.kind is SourceKind.CONFIGURED:
                yield record.source.key

    def _listing(self, key: str) -> tuple[Place, ...]:
        """The places whose listings may show a source.

        By name, since hundreds of places may be configured, each with as many sources to be asked about.
        """
        return tuple(self._called[name] for name in names_of_places(key) if name in self._called)

    def _may_be_there(self, key: str) -> bool:
        """Whether a place shows a source, or may as soon as it can be listed for the first time since the start."""
        return self._shown[key] > 0 or any(place not in self._seen for place in self._listing(key))

    def _changed(self, objects: Iterable[PlaceObject]) -> Iterator[SourceRecord]:
        """The records of what is new, or has another version than the last listing showed."""
        now = self._clock.now()
        for one in objects:
            known = self._inventory.get(one.key)
            if known is None or known.source.kind is not SourceKind.CONFIGURED:
                yield replace(self._as_configured(one.key), version=one.version)
            elif known.version != one.version:
                yield replace(known, version=one.version, state=replace(known.state, asked_at=now))

    def _as_configured(self, key: str) -> SourceRecord:
        """A source of the operator's, which may have been learned from a certificate before."""
        now, source = self._clock.now(), Source(key, (key,), SourceKind.CONFIGURED)
        known = self._inventory.get(key)
        if known is None:
            return SourceRecord(SourceState(source, used_at=now, known_since=now))
        # Nobody has written down yet in whose name it is: it is fetched anew, and all of it.
        state = replace(known.state, source=source, tried_at=None, asked_at=now)
        return replace(known, state=state, validators=Validators())

    def _tell(self, before: PlaceRecord | None, after: PlaceRecord) -> None:
        if before is None or (before.problem, before.objects) != (after.problem, after.objects):
            self._observer.place_listed(PlaceDetails(after.place, after.objects, after.problem))


def is_at(key: str, place: str) -> bool:
    """Whether a source is a place, or in it, by what they are called."""
    return key == place or key.startswith(place if place.endswith("/") else f"{place}/")


def names_of_places(key: str) -> Iterator[str]:
    """What the places may be called that a source is, or is in: those of which `is_at` says so."""
    yield key
    for place, character in enumerate(key):
        if character == "/":
            if place < len(key) - 1:
                yield key[: place + 1]
            yield key[:place]


def uploads_place(data_dir: Path) -> FilePlace:
    """Where uploaded CRLs are: whoever writes one there renames it into place."""
    return FilePlace(data_dir.absolute() / UPLOADS_DIRECTORY)
