"""The generator makes drafts for every mutation."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.differential.draft import Draft, Method
from tests.differential.generating import broken, drafts
from tests.differential.mutations import MUTATIONS

_SOME = settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def test_every_mutation_has_drafts() -> None:
    """None of them waits for a draft that never comes."""
    able = set[str]()

    @_SOME
    @given(st.sampled_from((Method.CRL, Method.CRL, Method.OCSP)).flatmap(drafts))
    def collect(draft: Draft) -> None:
        whole, labels = draft.whole or draft, [one.label for one in draft.path]
        known = (one for one in MUTATIONS.values() if one.method in (None, draft.method))
        able.update(one.name for one in known if broken(whole, one, labels) is not None)

    collect()

    assert set(MUTATIONS) == able
