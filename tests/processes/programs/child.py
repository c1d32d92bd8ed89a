"""A child of the service in miniature. Usage: `python -m tests.processes.programs.child BEHAVIOUR`."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time

from service.processes.exit_code import EXIT_CONFIGURATION
from service.processes.inheritance import inherited_socket
from service.processes.lifeline import Lifeline
from tests.processes.plan import Behaviour

_PR_SET_PDEATHSIG = 1
_A_LONG_TIME_S = 600


async def answer(lifeline: Lifeline) -> None:
    """Answer `pid` at once and `slow` after a while, with the process id; on SIGTERM finish what was begun."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            if await reader.readline() == b"slow\n":
                writer.write(b"begun\n")
                await asyncio.sleep(0.3)
            writer.write(b"%d\n" % os.getpid())
            await writer.drain()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        busy.add(task)
        task.add_done_callback(busy.discard)

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    # As web servers do; it must never be called.
    loop.add_signal_handler(signal.SIGINT, os._exit, 9)
    server = await asyncio.start_server(connected, sock=inherited_socket("http"))
    lifeline.start_heartbeat(loop)
    await stopping.wait()
    server.close()
    await asyncio.gather(*busy)


def beat_for_ever(lifeline: Lifeline) -> None:
    """What a child without an event loop does."""
    while True:
        lifeline.beat()
        time.sleep(0.1)


def litter() -> None:
    """Start a process whose parent ends before it does."""
    done = subprocess.run(["sh", "-c", "sleep 0.2 >/dev/null & echo $!"], stdout=subprocess.PIPE, check=True)
    print(json.dumps({"event": "orphan", "pid": int(done.stdout)}), flush=True)  # noqa: T201 - what the test reads


def main() -> int:
    """Be tied, then behave."""
    lifeline = Lifeline.from_environment()
    match Behaviour(sys.argv[1]):
        case Behaviour.ANSWER:
            asyncio.run(answer(lifeline))
        case Behaviour.STUBBORN:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            beat_for_ever(lifeline)
        case Behaviour.SILENT:
            time.sleep(_A_LONG_TIME_S)
        case Behaviour.CRASH:
            return 1
        case Behaviour.MISCONFIGURED:
            return EXIT_CONFIGURATION
        case Behaviour.GREEDY:
            lifeline.beat()
            ctypes.PyDLL(None).sleep(_A_LONG_TIME_S)
        case Behaviour.UNTIED:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)
            beat_for_ever(lifeline)
        case Behaviour.LITTERING:
            litter()
            beat_for_ever(lifeline)
    return 0


if __name__ == "__main__":
    sys.exit(main())
