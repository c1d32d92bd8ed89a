"""What is broken in a draft: one thing, by name.

Rules: a mutation changes one certificate, or the evidence about one, and leaves everything else as it is. Where the
draft has nothing of the kind, it stays whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tests.differential.broken_answers import ANSWERS
from tests.differential.broken_crls import CRLS
from tests.differential.broken_paths import PATHS
from tests.differential.draft import Change, Draft, Method


@dataclass(frozen=True, slots=True)
class Mutation:
    """One thing that can be broken.

    Attributes:
        name: What is wrong.
        method: What has to be asked for it to matter; None where it is the path.
    """

    name: str
    method: Method | None
    change: Change


def apply(mutation: Mutation, draft: Draft, target: str) -> Draft:
    """Break it; whole as before where there is nothing of the kind."""
    changed = mutation.change(draft, target)
    return draft if changed is None else replace(changed, broken=mutation.name, target=target, whole=draft)


MUTATIONS: Final[Mapping[str, Mutation]] = {
    name: Mutation(name, method, change)
    for method, listed in ((None, PATHS), (Method.CRL, CRLS), (Method.OCSP, ANSWERS))
    for name, change in listed
}
"""All of them, by name."""
