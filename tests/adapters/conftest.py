"""What tests of several adapters need."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def untouched_logging() -> Iterator[None]:
    """The logging of the test run is afterwards as it was, whatever the test sets up."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = raising
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
