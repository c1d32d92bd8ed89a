"""The first door: API Gateway with mutual TLS, and the Lambda authorizer that asks the service.

API Gateway is a stand-in; the authorizer is the one that is deployed, in a process of its own. No result is kept
(authorizerResultTtlInSeconds 0), so that every request is asked about.
"""

from contextlib import ExitStack
from typing import Final

from service.adapters.clock import SystemClock
from service.demo.gateway.function import Function
from service.demo.gateway.integration import Proxy
from service.demo.gateway.model import AuthorizerSettings
from service.demo.gateway.parameters import IDENTITY
from service.demo.gateway.server import Front, Gateway
from service.demo.ports import LOOPBACK
from service.demo.shipped_files import AUTHORIZER, shipped_file
from service.demo.story.doors import (
    EXPIRED_CALLER,
    FOREIGN_CALLER,
    FORGER,
    NOBODY,
    REVOKED_CALLER,
    Door,
    Expected,
)
from service.demo.story.stage import Base, Opening

NAME: Final = "gateway"

NO_RESULT_KEPT: Final = AuthorizerSettings(result_ttl_s=0.0)


def open_gateway(base: Base, stack: ExitStack, results: AuthorizerSettings = NO_RESULT_KEPT) -> Opening:
    """Start the gateway.

    Args:
        base: What it is built on.
        stack: Ends it.
        results: Which of the authorizer's results are kept, and for how long.

    Raises:
        UsageError: the authorizer is not there.
        OSError: a file cannot be read or written.
    """
    source = shipped_file(AUTHORIZER).parent
    # A failure is to be told from a refusal: with `closed` both would be a 403.
    environment = {**base.caller, "REVET_FAIL_MODE": "error"}
    log = stack.enter_context((base.directory / "authorizer.log").open("wb"))
    authorizer = stack.enter_context(Function(source, environment, log=log))
    trust_store = base.pki.layout.trust_store.read_bytes()
    gateway = stack.enter_context(
        Gateway(
            Front(base.servers.certificate, base.servers.key, trust_store),
            authorizer,
            SystemClock(),
            settings=results,
            integration=Proxy(base.application_url).mapping(IDENTITY),
        )
    )
    door = Door(
        name=NAME,
        way="API Gateway, mutual TLS -> Lambda authorizer -> application",
        url=f"https://{LOOPBACK}:{gateway.port}/",
        refusals={
            REVOKED_CALLER: Expected.REFUSED,
            EXPIRED_CALLER: Expected.CLOSED,
            FOREIGN_CALLER: Expected.CLOSED,
            NOBODY: Expected.CLOSED,
            FORGER: Expected.CLOSED,
        },
    )
    return Opening(door, ())
