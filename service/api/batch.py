"""`POST /v1/validate/batch`: many requests at once, each answered on its own.

A few are worked on at a time, and between two of them others get their turn: a batch whose evidence is all held would
otherwise keep the event loop to itself for a third of a second.
"""

import asyncio
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from types import coroutine

from pydantic_core import PydanticSerializationError, to_json
from starlette.types import Receive, Scope

from service.api.admission import Admission
from service.api.authentication import Role
from service.api.body import receive_json
from service.api.endpoint import Faults
from service.api.problems import ProblemError, internal, problem_of, too_many_items
from service.api.reply import Reply
from service.api.schemas import BatchRequest
from service.api.validation import Validation
from service.application.shadow import Enforcement

CONCURRENT_ITEMS = 32
"""Items of one batch that are worked on at once: a thousand that all time out after 500 ms are through in 16 s."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and how they are answered."""

    role: Role
    enforcement: Enforcement


class BatchHandler:
    """Handles `POST /v1/validate/batch`."""

    def __init__(self, validation: Validation, admission: Admission, faults: Faults) -> None:
        """Take who answers, how many batches at once, and who is told of faults."""
        self._validation = validation
        self._admission = admission
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Answer one batch."""
        rules = self._validation.rules
        role = rules.access.authenticate(scope["headers"])
        enforcement = rules.access.enforcement(scope["headers"])
        with self._admission:
            document = await receive_json(scope, receive, rules.max_batch_bytes)
            items = BatchRequest.model_validate(document).items
            if len(items) > rules.max_items:
                raise ProblemError(too_many_items(len(items), rules.max_items))
            results = await self._answer_all(items, Asking(role, enforcement), scope["path"])
        return Reply(200, b'{"results":[%b]}' % b",".join(results))

    async def _answer_all(self, items: tuple[object, ...], asking: Asking, path: str) -> list[bytes]:
        results = [b""] * len(items)
        queue = iter(enumerate(items))
        workers = (self._work(queue, results, asking, path) for _ in range(min(CONCURRENT_ITEMS, len(items))))
        await asyncio.gather(*workers)
        return results

    async def _work(self, queue: Iterator[tuple[int, object]], results: list[bytes], asking: Asking, path: str) -> None:
        for number, item in queue:
            results[number] = await self._answer(item, asking, path)
            await _let_others_run()

    async def _answer(self, item: object, asking: Asking, path: str) -> bytes:
        try:
            # Without parsing it again: what is written here is the item itself, in one form.
            return await self._validation.answer(_octets(item), lambda _: item, asking.role, asking.enforcement)
        except Exception as error:  # noqa: BLE001 - one bad item never fails the others
            problem = problem_of(error)
            if problem is None:
                self._faults(path, error)
                problem = internal()
            return to_json({"problem": problem.document()})


def _octets(item: object) -> bytes:
    """An item as it is remembered; nothing where it nests too deeply to be written, and so is no request either."""
    try:
        return to_json(item)
    except PydanticSerializationError:
        return b""


@coroutine
def _let_others_run() -> Generator[None]:
    """Go on in the event loop's next round, after whoever is waiting."""
    yield
