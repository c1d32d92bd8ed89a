"""What an open store is made of: directories, locks, the two places of its rows and files, and the thread that writes.

What it does not do: hold, find or replace anything. `Store` does that with these parts.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from service.adapters.lmdb.block_rows import BlockRows
from service.adapters.lmdb.crl_publisher import generation_of
from service.adapters.lmdb.crl_rows import CrlRows
from service.adapters.lmdb.directory import OWNER_ONLY, prepare
from service.adapters.lmdb.environment import MAP_OCTETS
from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.generation_reader import GenerationReader
from service.adapters.lmdb.generation_writer import GenerationWriter
from service.adapters.lmdb.hot import Hot
from service.adapters.lmdb.layout import BUILDING, GENERATIONS, HOT
from service.adapters.lmdb.ocsp_rows import OcspLimits, OcspRows
from service.adapters.lmdb.role import Absent, Role
from service.adapters.lmdb.source_rows import SourceRows
from service.adapters.lmdb.tenancy import alone_in_process, only_ingester, same_pid_namespace
from service.adapters.lmdb.waiting_rows import WaitingRows
from service.application.evidence_store import StoreError

OCSP_EIGHTHS = 3
"""Of the hot environment are for OCSP responses: whatever clients have us ask, blocks and CRLs find room."""

OCSP_ROWS = 40_000
"""Responses held: with 1 to 4 KiB each they stay within their share of the hot environment."""

OPEN_GENERATIONS = 256
"""Files open in one process; 1,024 descriptors are the usual limit, and opening one again takes 20 microseconds."""


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """What the store may take.

    Attributes:
        hot_map_octets: Octets of the hot environment.
        ocsp_rows: OCSP responses held.
        open_generations: Files of CRLs open in this process at one time.
    """

    hot_map_octets: int = MAP_OCTETS
    ocsp_rows: int = OCSP_ROWS
    open_generations: int = OPEN_GENERATIONS


@dataclass(frozen=True, slots=True)
class StoreParts:
    """What an open store is made of."""

    role: Role
    hot: Hot
    crls: CrlRows
    ocsp: OcspRows
    sources: SourceRows
    blocks: BlockRows
    waiting: WaitingRows
    reader: GenerationReader
    writer: GenerationWriter
    thread: ThreadPoolExecutor


def open_parts(path: Path, role: Role, limits: StoreLimits, absent: Absent, stack: ExitStack) -> StoreParts:
    """Open what a store is made of.

    Args:
        path: The store's directory.
        role: What this process does with it.
        limits: What it may take.
        absent: What is done where there is none.
        stack: What is to be closed afterwards, also where this fails.

    Raises:
        StoreError: as in `Store.open`.
    """
    if absent is Absent.REFUSE and not path.exists():
        raise StoreError(f"the store at {path} is missing: what it held is lost")
    prepare(path)
    _keep_out_others(path, role, stack)
    generations = _subdirectory(path / GENERATIONS)
    hot = Hot(path / HOT, limits.hot_map_octets, absent)
    stack.callback(hot.close)
    room = limits.hot_map_octets * OCSP_EIGHTHS // 8
    reader = GenerationReader(generations, limits.open_generations)
    stack.callback(reader.close)
    thread = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="store"))
    parts = StoreParts(
        role=role,
        hot=hot,
        crls=CrlRows(hot),
        ocsp=OcspRows(hot, OcspLimits(limits.ocsp_rows, room)),
        sources=SourceRows(hot),
        blocks=BlockRows(hot),
        waiting=WaitingRows(hot),
        reader=reader,
        writer=GenerationWriter(generations, _subdirectory(path / BUILDING)),
        thread=thread,
    )
    if role is Role.INGESTER:
        parts.writer.sweep({generation for row in parts.crls.all() if (generation := generation_of(row.row))})
    return parts


def _keep_out_others(path: Path, role: Role, stack: ExitStack) -> None:
    """Hold what nobody else may have at the same time as this process."""
    stack.enter_context(alone_in_process(path))
    stack.enter_context(same_pid_namespace(path))
    if role is Role.INGESTER:
        stack.enter_context(only_ingester(path))


def _subdirectory(path: Path) -> Path:
    with Translating(f"cannot make {path}"):
        path.mkdir(OWNER_ONLY, exist_ok=True)
    return path
