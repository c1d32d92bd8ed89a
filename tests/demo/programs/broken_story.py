"""The story with one door, which is broken. Usage: `python -m tests.demo.programs.broken_story open|forgetful`."""

import sys
from contextlib import ExitStack

from service.demo.gateway.model import DEFAULT_RESULT_TTL_S, AuthorizerSettings
from service.demo.story import watching
from service.demo.story.doors import REVOKED_CALLER, Door, Expected
from service.demo.story.gateway_door import open_gateway
from service.demo.story.load_balancer import MutualTls, start_load_balancer
from service.demo.story.run import Options, run
from service.demo.story.stage import Base, Opening

PATIENCE_S = 4.0
"""Four times what a revocation takes to be seen."""


def open_to_all(base: Base, stack: ExitStack) -> Opening:
    """A load balancer that stands right in front of the application: nobody asks anybody."""
    target = base.application_url.removeprefix("http://")
    port, balancer = start_load_balancer(MutualTls.PASSTHROUGH, target, base, stack)
    door = Door("open", "", f"https://127.0.0.1:{port}/", {REVOKED_CALLER: Expected.REFUSED})
    return Opening(door, (balancer,))


def forgetful(base: Base, stack: ExitStack) -> Opening:
    """An API Gateway that keeps the authorizer's results for five minutes, as it does where nobody says otherwise."""
    results = AuthorizerSettings(("context.identity.clientCert.clientCertPem",), DEFAULT_RESULT_TTL_S)
    return open_gateway(base, stack, results)


if __name__ == "__main__":
    watching.PATIENCE_S = PATIENCE_S  # type: ignore[misc]  # a constant to everybody else
    sys.exit(run(Options(builders=({"open": open_to_all, "forgetful": forgetful}[sys.argv[1]],))))
