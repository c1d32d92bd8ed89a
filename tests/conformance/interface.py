"""`POST /v1/validate` as a judge: the application in this process, the evidence in the request, all of it JSON."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Final

from starlette.types import ASGIApp, Message

from service.application.gather import Gatherer, GatherRequest
from service.core.model.evidence import Evidence, Wanted
from service.core.model.policy import Policy
from service.core.model.verdict import Verdict
from tests.api.asgi import exchange, piece, receiving, scope_of
from tests.api.conformance import Json
from tests.api.fakes import StandingClock
from tests.conformance.answer import Answer, Element, NoAnswer
from tests.conformance.case import Case
from tests.conformance.world import Answers, Host, application, empty_host

_PATH: Final = "/v1/validate"
_HEADERS: Final = ((b"content-type", b"application/json"),)
_DEFAULTS: Final = Policy()
_HTTP_OK: Final = 200


class OnHost(Gatherer):
    """Gathers on the host that is there at the moment: what an application has in place of one for each host."""

    def __init__(self, policy: Policy, answers: Answers) -> None:
        """There is none yet."""
        self._policy = policy
        self._answers = answers
        self._gatherer: Gatherer | None = None

    def move(self, host: Host) -> None:
        """Be on another host from now on; nothing is remembered of the last one."""
        self._gatherer = host.gatherer(self._policy, self._answers)

    async def gather(self, wanted: Iterable[Wanted], evidence: Evidence, request: GatherRequest) -> Evidence:
        """Gather there."""
        return await self._here.gather(wanted, evidence, request)

    def used(self, verdict: Verdict, request: GatherRequest) -> None:
        """Tell it there."""
        self._here.used(verdict, request)

    @property
    def _here(self) -> Gatherer:
        assert self._gatherer is not None
        return self._gatherer


class Interface:
    """Asks the application; one for each set of settings, with the trust stores of all cases."""

    def __init__(self, cases: Iterable[Case]) -> None:
        """Put down the trust stores and the responders."""
        listed = tuple(cases)
        self._stores = {store_name(case): case.trusted for case in listed}
        self._answers = {url: answer for case in listed for url, answer in case.responders}
        self._applications: dict[Policy, tuple[ASGIApp, OnHost]] = {}
        self._faults: list[str] = []
        self._clock = StandingClock()

    async def ask(self, case: Case, document: Json | None = None, host: Host | None = None) -> Answer | NoAnswer:
        """Send a case as a request; an answer other than a decision is none, and neither is one with a fault.

        Args:
            case: The case.
            document: The request; the case with its evidence in it unless given.
            host: Where it is asked; with nothing held, unless given.
        """
        self._faults.clear()
        host = host or empty_host()
        scope, body = scope_of(_PATH, _HEADERS), _body(document or request_of(case))
        asked, gathering = self._application(case.policy)
        gathering.move(host)
        self._clock.moment = host.clock.now()
        answer = await exchange(asked, scope, receiving(body))
        if answer.status != _HTTP_OK or self._faults:
            return NoAnswer(f"{answer.status} {answer.body.decode(errors='replace')} {' '.join(self._faults)}".rstrip())
        return _answer(json.loads(answer.body))

    def _application(self, policy: Policy) -> tuple[ASGIApp, OnHost]:
        settings = _operators(policy)
        if settings not in self._applications:
            gathering = OnHost(settings, self._answers)
            made = application(self._stores, settings, gathering, self._clock, self._keep)
            self._applications[settings] = (made, gathering)
        return self._applications[settings]

    def _keep(self, operation: str, error: Exception) -> None:
        self._faults.append(f"{operation}: {error!r}")


def request_of(case: Case) -> Json:
    """A case as a request."""
    policy = case.policy
    age = policy.max_evidence_age
    return {
        "certificate": _text(case.leaf),
        "intermediates": [_text(one) for one in case.intermediates],
        "trust_store": store_name(case),
        "options": {
            "at": f"{case.at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "online": bool(case.responders),
            "revocation_mode": policy.revocation_mode,
            "revocation_scope": policy.revocation_scope,
            "evidence_order": policy.evidence_order,
            "evidence": {
                "crls": [_text(one) for one in case.evidence.crls],
                "ocsp_responses": [_text(one) for one in case.evidence.ocsp],
            },
            "weak_algorithms": sorted(policy.weak_algorithms),
            "key_purpose": policy.key_purpose,
            "max_evidence_age_s": None if age is None else int(age.total_seconds()),
            "max_path_length": policy.max_path_length,
            "policies": {
                "initial_policy_set": sorted(policy.policies.initial_policy_set),
                "require_explicit_policy": policy.policies.require_explicit_policy,
                "inhibit_policy_mapping": policy.policies.inhibit_policy_mapping,
                "inhibit_any_policy": policy.policies.inhibit_any_policy,
            },
        },
    }


def _operators(policy: Policy) -> Policy:
    """What of a policy no request can carry: it stands in the operator's settings."""
    return replace(
        policy,
        revocation_mode=_DEFAULTS.revocation_mode,
        revocation_scope=_DEFAULTS.revocation_scope,
        evidence_order=_DEFAULTS.evidence_order,
        weak_algorithms=_DEFAULTS.weak_algorithms,
        key_purpose=_DEFAULTS.key_purpose,
        max_evidence_age=_DEFAULTS.max_evidence_age,
        max_path_length=_DEFAULTS.max_path_length,
        policies=_DEFAULTS.policies,
    )


def store_name(case: Case) -> str:
    """What a case's trust store is called: the same one has one name."""
    return sha256(b"".join(sha256(one).digest() for one in case.trusted)).hexdigest()


def _text(der: bytes) -> str:
    return b64encode(der).decode()


async def _body(document: Json) -> AsyncIterator[Message]:
    yield piece(json.dumps(document).encode(), is_last=True)


def _answer(document: Json) -> Answer:
    return Answer(
        document["decision"],
        document["status"],
        document["code"],
        tuple(
            Element(one["fingerprint_sha256"], one["revocation"]["status"], one["revocation"]["method"])
            for one in document["path"]
        ),
        frozenset(document["authorized_policies"]),
    )
