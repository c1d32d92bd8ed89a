"""Where a composed service writes."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.application.conftest import MEMORY


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory of this test's own, in memory where Linux has some: syncing a disk takes longer than most tests."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as made:
        yield Path(made)
