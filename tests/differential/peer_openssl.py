"""OpenSSL as a judge, through `openssl verify` and `openssl ocsp`.

Rules: every check that it has and RFC 5280 asks for is switched on; security level 2 is the one that refuses SHA-1.
`openssl ocsp` holds the times of an answer against the clock of the machine: the tolerance that it is given is what has
passed since the moment of judgement, so that ends of validity mean what they do elsewhere, and beginnings nothing.
"""

import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from service.core.model.policy import PolicyInputs
from tests.differential.draft import Draft, Method, Scenario, extension
from tests.differential.outcome import Outcome, Said
from tests.pki import NOW, pem

AT: Final = ("-attime", str(int(NOW.timestamp())))
_MAPPINGS: Final = "2.5.29.33"
_ANY: Final = "X509v3 Any Policy"
_REVOKED: Final = "certificate revoked"
_CHECKS: Final = ("-crl_check_all", "-extended_crl", "-use_deltas")
_POLICIES: Final = re.compile(r"User Policies:(.*?)(?:\n\S|\Z)", re.DOTALL)


def judge(scenario: Scenario) -> Outcome:
    """What OpenSSL says of a scenario."""
    with TemporaryDirectory(prefix="revet-differential-") as directory:
        desk = _Desk(Path(directory))
        chain = desk.verify(scenario)
        if scenario.draft.method is not Method.OCSP or not chain.allowed:
            return chain
        return desk.answers(scenario, chain)


class _Desk:
    """The files of one scenario."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def verify(self, scenario: Scenario) -> Outcome:
        """The path and, where they are what is asked about, the CRLs."""
        leaf, *between = scenario.path
        options = [
            *AT,
            "-policy_check",
            "-policy_print",
            "-auth_level",
            "2",
            "-purpose",
            "sslclient",
            *_inputs(scenario.draft.inputs),
        ]
        options += ["-CAfile", self._pems("root", [scenario.root]), "-no-CApath", "-no-CAstore"]
        if untrusted := [*between, *scenario.beside]:
            options += ["-untrusted", self._pems("untrusted", untrusted)]
        if scenario.draft.method is Method.CRL:
            options += _CHECKS
            if scenario.crls:
                options += ["-CRLfile", self._pems("crls", scenario.crls, "X509 CRL")]
        status, text = _run("verify", *options, self._pems("leaf", [leaf]))
        if status == 0:
            return Outcome(Said.ALLOWED, _user_policies(text, scenario.draft))
        return Outcome(Said.REVOKED if _REVOKED in text else Said.REFUSED, words=text)

    def answers(self, scenario: Scenario, chain: Outcome) -> Outcome:
        """Every certificate of a good path before the answer about it."""
        found = [self._answer(scenario, position) for position in range(len(scenario.path))]
        worst = next((one for said in (Said.REVOKED, Said.REFUSED) for one in found if one.said is said), None)
        return worst or chain

    def _answer(self, scenario: Scenario, position: int) -> Outcome:
        reply = next((reply for about, reply in scenario.replies if about == position), None)
        if reply is None:
            return Outcome(Said.REFUSED, words="no answer")
        known = [*scenario.path[1:], scenario.root]
        (self._directory / "reply").write_bytes(reply)
        label = scenario.draft.path[-1 - position].label
        asked = next(one for one in scenario.draft.replies if one.about == label)
        since = int((datetime.now(UTC) - NOW).total_seconds())
        options = [*AT, "-no_nonce", "-validity_period", str(since), "-respin", str(self._directory / "reply")]
        options += ["-CAfile", self._pems("root", [scenario.root]), "-verify_other", self._pems("known", known)]
        options += [f"-{asked.says.get('cert_id_hash', 'sha1')}", "-issuer", self._pems("issuer", [known[position]])]
        subject = self._pems("subject", [scenario.path[position]])
        status, text = _run("ocsp", *options, "-cert", subject)
        if status != 0 or "Response verify OK" not in text or "Status times invalid" in text:
            return Outcome(Said.REFUSED, words=text)
        if f"{subject}: revoked" in text:
            return Outcome(Said.REVOKED, words=text)
        return Outcome(Said.ALLOWED if f"{subject}: good" in text else Said.REFUSED, words=text)

    def _pems(self, name: str, given: Iterable[bytes], label: str = "CERTIFICATE") -> str:
        path = self._directory / f"{name}.pem"
        path.write_text("".join(pem(one, label) for one in given), encoding="ascii")
        return str(path)


def _inputs(inputs: PolicyInputs) -> list[str]:
    options = []
    for policy in sorted(inputs.initial_policy_set):
        options += ["-policy", policy]
    if inputs.require_explicit_policy:
        options.append("-explicit_policy")
    if inputs.inhibit_policy_mapping:
        options.append("-inhibit_map")
    if inputs.inhibit_any_policy:
        options.append("-inhibit_any")
    return options


def _user_policies(text: str, draft: Draft) -> frozenset[str] | None:
    """The set that is printed; None where it is not the one that RFC 5280 §6.1.6 means.

    Mapped policies are printed as the leaf has them, and nothing is printed beside anyPolicy.
    """
    if any(extension(one, _MAPPINGS) for one in draft.path):
        return None
    found = _POLICIES.search(text)
    if found is None:
        return None
    named = re.findall(r"^ +Policy: (\S.*)$", found[1], re.MULTILINE)
    return None if _ANY in named else frozenset(named)


def _run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["openssl", *arguments], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    return done.returncode, done.stdout
