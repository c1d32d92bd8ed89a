"""Fixtures for tests with real processes."""

from collections.abc import Callable, Iterator

import pytest

from tests.processes.plan import Plan
from tests.processes.running import Running


@pytest.fixture
def start() -> Iterator[Callable[[Plan], Running]]:
    """Start services; they are ended with the test."""
    started: list[Running] = []

    def start_one(plan: Plan) -> Running:
        running = Running(plan)
        started.append(running)
        return running

    yield start_one
    for running in started:
        running.end()
