"""What somebody must say of a draft, and whether he does.

Rules: he says what Revet says of what he takes the draft for (`divergences`); nothing else is right, agreement with
Revet included where none is expected. Whether something is revoked is compared where Revet's answer rests on evidence:
where it rests on the path, others may have come to the evidence before. Policies are compared where both allow.
"""

from tests.differential import revet
from tests.differential.divergences import Divergence, Peer, of, seen
from tests.differential.draft import Draft, Method, build
from tests.differential.outcome import Outcome, Said

_REFUSED = Outcome(Said.REFUSED, words="a divergence says so")


def asks(peer: Peer, draft: Draft) -> bool:
    """Whether somebody can be asked about a draft at all."""
    if any(one.erratic is not None and one.erratic(draft) for one in of(peer)):
        return False
    match peer:
        case Peer.CRYPTOGRAPHY:
            return draft.method is Method.NONE  # it knows nothing of revocation
        case Peer.OPENSSL:
            return draft.broken != "answer of the future"  # `openssl ocsp` is given a tolerance that hides it
        case Peer.PYHANKO:
            return True


def expected(peer: Peer, draft: Draft, revets: Outcome) -> Outcome:
    """What somebody must say of a draft of which Revet says this."""
    known = seen(draft, of(peer))
    if known is None:
        return _REFUSED
    return revets if known is draft else revet.judge(build(known))


def disagreement(draft: Draft, peer: Peer, right: Outcome, said: Outcome) -> str | None:
    """In which way somebody has not said what he must; None where he has."""
    if right.allowed != said.allowed:
        return _described("decision", draft, peer, right, said)
    if right.said in (Said.REVOKED, Said.UNANSWERED) and (right.said is Said.REVOKED) != (said.said is Said.REVOKED):
        return _described("whether anything is revoked", draft, peer, right, said)
    if right.policies is not None and said.policies is not None and right.policies != said.policies:
        return _described("policies", draft, peer, right, said)
    return None


def applicable(peer: Peer, draft: Draft) -> tuple[Divergence, ...]:
    """The divergences of somebody that change what a draft looks like to him."""
    return tuple(one for one in of(peer) if one.applies(draft))


def _described(what: str, draft: Draft, peer: Peer, right: Outcome, said: Outcome) -> str:
    rows = ", ".join(one.identifier for one in applicable(peer, draft)) or "none"
    return "\n".join(
        (
            f"{peer.value} differs in: {what}",
            f"  expected: {right}",
            f"  said:     {said}",
            f"  rows:     {rows}",
            f"  broken:   {draft.broken or 'nothing'} {draft.target}",
            *(f"  {one}" for one in (*draft.path, *draft.beside, *draft.lists, *draft.replies)),
            f"  root:     {draft.root}",
            f"  inputs:   {draft.inputs}",
        )
    )
