"""What an operator may ask about: two CRLs that are held, and a source that gives none."""

import json
from typing import Any, Final

import httpx

from service.api.rules import ApiRules
from service.core.prefetch.inventory import SourceKind
from tests.api.fakes import StandingClock
from tests.api.world import ROOT, SUB, Caller, World
from tests.operators import Operators, held_crl, source

URL: Final = "http://crl.example/sub.crl"
OTHER: Final = "http://crl.example/root.crl"
DEAD: Final = "http://dead.example/a.crl"
HELD: Final = held_crl(SUB, URL, number=7)


def world(**rules: Any) -> tuple[World, Operators]:  # noqa: ANN401 - any rule
    """A world with two CRLs, and a source that gives none."""
    operators = Operators(StandingClock())
    root = held_crl(ROOT, OTHER, number=3)
    operators.host.crls += [HELD, root]
    operators.host.records += [source(URL, HELD, kind=SourceKind.LEARNED), source(OTHER, root), source(DEAD)]
    return World(operators=operators, rules=ApiRules(**rules)), operators


async def post(caller: Caller, path: str, body: object = None) -> httpx.Response:
    """Post JSON; None for no body."""
    return await caller.send("POST", path, content=None if body is None else json.dumps(body).encode())
