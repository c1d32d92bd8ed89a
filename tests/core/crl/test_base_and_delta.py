"""A complete CRL and a delta say what a newer complete CRL would say (RFC 5280 §5.2.4)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from service.core.model.verdict import RevocationStatus
from tests.core.crl.findings import LEAF, finding, judged
from tests.pki import THIS_UPDATE, Entry, IssuingDistributionPoint
from tests.pki.extensions import Reason

SERIALS: Final = (LEAF.serial, 1, 2)
MINUTE: Final = timedelta(minutes=1)

EVENTS: Final = st.lists(
    st.tuples(st.sampled_from(SERIALS), st.sampled_from(["revoke", "hold", "release"])), min_size=1, max_size=12
)
"""What a CA does, one after the other; each event makes a new CRL."""

State = dict[int, Reason]


def after(events: Sequence[tuple[int, str]]) -> State:
    """Which certificates are revoked, and why, when all of this has happened."""
    state: State = {}
    for serial, event in events:
        if event == "revoke":
            state[serial] = "keyCompromise"
        elif event == "hold":
            state.setdefault(serial, "certificateHold")
        elif state.get(serial) == "certificateHold":
            del state[serial]
    return state


def changes(states: Sequence[State]) -> list[Entry]:
    """The entries of a delta: what is listed now and was not so all the time, and what was listed since and is no more.

    Args:
        states: From the delta's base to now.
    """
    now = states[-1]
    changed = (serial for serial in now if any(state.get(serial) != now[serial] for state in states))
    new = [Entry(serial, now[serial]) for serial in changed]
    listed = {serial for state in states for serial in state}
    return new + [Entry(serial, "removeFromCRL") for serial in sorted(listed - now.keys())]


@given(EVENTS, st.data(), st.sampled_from([None, IssuingDistributionPoint(only_user=True)]))
def test_base_and_delta_equal_the_full_crl(
    events: list[tuple[int, str]], data: st.DataObject, scope: IssuingDistributionPoint | None
) -> None:
    """Whatever a CA revokes, holds and releases, and whichever newer base the delta meets."""
    delta_base = data.draw(st.integers(0, len(events) - 1))
    base = data.draw(st.integers(delta_base, len(events) - 1))
    states = [after(events[:number]) for number in range(len(events) + 1)]
    now = len(events)
    full = finding(number=now, revoked=states[now], this_update=THIS_UPDATE + now * MINUTE, idp=scope)
    complete = finding(number=base, revoked=states[base], this_update=THIS_UPDATE + base * MINUTE, idp=scope)
    delta = finding(
        number=now,
        delta_base=delta_base,
        revoked=changes(states[delta_base:]),
        this_update=THIS_UPDATE + now * MINUTE,
        idp=scope,
    )
    expected, answer = judged(full).answer, judged(complete, delta).answer
    assert expected is not None
    assert answer is not None
    assert (expected.status, expected.reason) == (answer.status, answer.reason)
    assert (LEAF.serial in states[now]) == (RevocationStatus.REVOKED is answer.status)
