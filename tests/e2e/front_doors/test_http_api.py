"""An HTTP API with mutual TLS: the authorizer of payload format 2.0, with simple answers and with policies."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from service.demo.gateway.model import AnswerForm, Api, AuthorizerSettings, Kind
from tests.e2e.front_doors.devices import Maker
from tests.e2e.front_doors.doors import has_no_connection, opened, refresh
from tests.e2e.published import publishing
from tests.e2e.running import running_service

FORBIDDEN = '{"message":"Forbidden"}'

BOUND = ("$context.identity.clientCert.clientCertPem",)


@pytest.mark.parametrize(("form", "response"), [(AnswerForm.SIMPLE, "simple"), (AnswerForm.POLICY, "policy")])
def test_good_and_revoked(tmp_path: Path, form: AnswerForm, response: str) -> None:
    """204, and 403 after the revocation, with results that are kept for the certificate."""
    with publishing() as published, ExitStack() as stack:
        maker = Maker.of("Maker of vehicles", published)
        truck, van = (maker.device(name, tmp_path) for name in ("truck-1", "van-22"))
        maker.publish()
        store = tmp_path / "trust.pem"
        store.write_text(maker.authority.pem)
        revet = stack.enter_context(running_service(tmp_path, store))
        door = stack.enter_context(
            opened(
                tmp_path,
                store.read_bytes(),
                {"REVET_URL": revet.url, "REVET_RESPONSE": response},
                api=Api(Kind.HTTP, stage="$default"),
                settings=AuthorizerSettings(BOUND, 60, form),
            )
        )

        assert has_no_connection(door.curl(None))
        assert [204, 204] == [door.curl(one, f"{door.gateway.url}/a/b?c=d").status for one in (truck, van)]
        maker.revoke("truck-1")
        refresh(revet.url)
        door.clock.skip(61)
        answer = door.curl(truck)
        assert (403, FORBIDDEN) == (answer.status, answer.body)
        assert [204, 204] == [door.curl(van).status, door.curl(van, "-X", "DELETE").status]
        assert ["ok", "ok", "revoked", "ok"] == door.codes()
