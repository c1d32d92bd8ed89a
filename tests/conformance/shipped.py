"""Every corpus that the project ships, in the order of the table."""

from collections.abc import Callable
from typing import Final

from tests.conformance.case import Corpus
from tests.conformance.corpora.answers import answers
from tests.conformance.corpora.crl_forms import crl_forms
from tests.conformance.corpora.crl_signers import crl_signers
from tests.conformance.corpora.deltas import deltas
from tests.conformance.corpora.indirect import indirect
from tests.conformance.corpora.methods import methods
from tests.conformance.corpora.name_constraints import name_constraints
from tests.conformance.corpora.no_rev_avail import no_rev_avail
from tests.conformance.corpora.nonces import nonces
from tests.conformance.corpora.oddities import oddities
from tests.conformance.corpora.partitions import partitions
from tests.conformance.corpora.pkits import pkits
from tests.conformance.corpora.policies import policies
from tests.conformance.corpora.responders import responders
from tests.conformance.corpora.signatures import signatures

CORPORA: Final[tuple[Callable[[], Corpus], ...]] = (
    pkits,
    signatures,
    responders,
    answers,
    nonces,
    methods,
    partitions,
    deltas,
    indirect,
    crl_signers,
    crl_forms,
    no_rev_avail,
    name_constraints,
    policies,
    oddities,
)
