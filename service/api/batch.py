"""`POST /v1/validate/batch`: many requests at once, each answered on its own.

A few are worked on at a time, and between two of them others get their turn: a batch whose evidence is all held would
otherwise keep the event loop to itself for a third of a second.
"""

import asyncio
from collections.abc import Generator, Iterator
from types import coroutine

from pydantic_core import PydanticSerializationError, to_json
from starlette.types import Receive, Scope

from service.api.admission import Admission
from service.api.authentication import Who
from service.api.body import receive_body
from service.api.body_room import BodyRoom
from service.api.endpoint import Faults
from service.api.json_text import read_json
from service.api.limits import count_items
from service.api.permission import permit
from service.api.problems import ProblemError, internal, problem_of, too_many_items
from service.api.reply import Reply
from service.api.schemas import BatchRequest
from service.api.validation import Validation
from service.application.caller_limits import CallerLimits

CONCURRENT_ITEMS = 32
"""Items of one batch that are worked on at once: a thousand that all time out after 500 ms are through in 16 s."""


class BatchHandler:
    """Handles `POST /v1/validate/batch`."""

    def __init__(
        self,
        validation: Validation,
        admission: Admission,
        room: BodyRoom,
        faults: Faults,
        limits: CallerLimits | None = None,
    ) -> None:
        """Take the collaborators.

        Args:
            validation: Decides.
            admission: How many batches at once.
            room: For bodies that have not come to their end.
            faults: Is told of our own faults.
            limits: What each caller is held to; None where nothing is limited.
        """
        self._validation = validation
        self._admission = admission
        self._room = room
        self._faults = faults
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Answer one batch."""
        rules = self._validation.rules
        permit(rules, scope)
        self._admission.check()
        body = await receive_body(scope, receive, rules.max_batch_bytes, self._room)
        who = permit(rules, scope)  # his token may have been removed meanwhile
        with self._admission:
            items = BatchRequest.model_validate(read_json(body)).items
            if len(items) > rules.max_items:
                raise ProblemError(too_many_items(len(items), rules.max_items))
            count_items(self._limits, scope, len(items))
            results = await self._answer_all(items, who, scope["path"])
        return Reply(200, b'{"results":[%b]}' % b",".join(results))

    async def _answer_all(self, items: tuple[object, ...], who: Who, path: str) -> list[bytes]:
        results = [b""] * len(items)
        queue = iter(enumerate(items))
        workers = (self._work(queue, results, who, path) for _ in range(min(CONCURRENT_ITEMS, len(items))))
        await asyncio.gather(*workers)
        return results

    async def _work(self, queue: Iterator[tuple[int, object]], results: list[bytes], who: Who, path: str) -> None:
        for number, item in queue:
            results[number] = await self._answer(item, who, path)
            await _let_others_run()

    async def _answer(self, item: object, who: Who, path: str) -> bytes:
        try:
            # Without parsing it again: what is written here is the item itself, in one form.
            return (await self._validation.answer(_octets(item), lambda _: item, who)).body
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
