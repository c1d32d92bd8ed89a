"""Authorizers whose connections end with the test."""

from collections.abc import Callable, Iterator

import pytest

import lambda_function

Making = Callable[..., lambda_function.Authorizer]

PATIENT_MS = "10000"
"""A deadline for whatever is not about it: other things run on the machine too."""


@pytest.fixture
def making() -> Iterator[Making]:
    """Make an authorizer for a service, with more settings than `REVET_URL`, named without their `REVET_`."""
    made: list[lambda_function.Authorizer] = []

    def make(url: str, **settings: str) -> lambda_function.Authorizer:
        given = {"TIMEOUT_MS": PATIENT_MS, **settings, "URL": url}
        made.append(lambda_function.Authorizer({f"REVET_{name}": text for name, text in given.items()}))
        return made[-1]

    yield make
    for one in made:
        one.revet.connection.close()
