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
from service.processes.inheritance import SERVED_BEAT, SUCCEEDS, inherited_socket
from service.processes.lifeline import Lifeline
from service.processes.signals import DRAIN_SIGNAL, END_SIGNAL, RETIRE_SIGNAL, STOP_SIGNALS
from tests.processes.plan import Behaviour

_PR_SET_PDEATHSIG = 1
_A_LONG_TIME_S = 600


async def answer(lifeline: Lifeline) -> None:
    """Answer `pid` at once and `slow` after a while, with the process id; on `END_SIGNAL` finish what was begun.

    `environment` is answered with whether it succeeds another, and `wait` when the child is to end.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    retired = asyncio.Event()
    busy: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_serve(reader, writer, stopping))
        busy.add(task)
        task.add_done_callback(busy.discard)

    loop.add_signal_handler(END_SIGNAL, stopping.set)
    # As web servers do; they must never be called.
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, os._exit, 9)
    server = await asyncio.start_server(connected, sock=inherited_socket("http"))
    loop.add_signal_handler(DRAIN_SIGNAL, say, "told_to_drain")
    loop.add_signal_handler(RETIRE_SIGNAL, retired.set)
    lifeline.start_heartbeat(loop, lambda: SERVED_BEAT)
    ends = [asyncio.ensure_future(event.wait()) for event in (stopping, retired)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    server.close()
    await asyncio.gather(*busy)
    say("front_ends")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stopping: asyncio.Event) -> None:
    with contextlib.closing(writer):
        match await reader.readline():
            case b"slow\n":
                writer.write(b"begun\n")
                await asyncio.sleep(0.3)
            case b"wait\n":
                writer.write(b"begun\n")
                await stopping.wait()
            case b"succeeds\n":
                writer.write(b"yes\n" if SUCCEEDS in os.environ else b"no\n")
                return
            case _:
                pass
        writer.write(b"%d\n" % os.getpid())
        await writer.drain()


def say(event: str) -> None:
    """Print an event of this process."""
    # Written at once: others write to the same pipe.
    os.write(1, json.dumps({"event": event, "pid": os.getpid()}).encode() + b"\n")


def be_relied_on(lifeline: Lifeline, ends_after_s: float) -> None:
    """What there is only one of at a time."""
    ended: list[bool] = []
    signal.signal(END_SIGNAL, lambda *_: ended.append(True))
    say("back_begins")
    while not ended:
        lifeline.beat()
        time.sleep(0.05)
    say("back_told")
    time.sleep(ends_after_s)
    say("back_ends")


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
        case Behaviour.BACK | Behaviour.BACK_SLOW | Behaviour.BACK_BREAKS | Behaviour.BACK_STUBBORN as behaviour:
            lifeline.wait_at_gate()
            return be_behind(behaviour, lifeline)
        case behaviour:
            return be_in_front(behaviour, lifeline)


def be_behind(behaviour: Behaviour, lifeline: Lifeline) -> int:
    """Behave as what others rely on."""
    match behaviour:
        case Behaviour.BACK_BREAKS:
            return EXIT_CONFIGURATION
        case Behaviour.BACK_STUBBORN:
            signal.signal(END_SIGNAL, signal.SIG_IGN)
            beat_for_ever(lifeline)
        case _:
            be_relied_on(lifeline, ends_after_s=0.5 if behaviour is Behaviour.BACK_SLOW else 0.0)
    return 0


def be_in_front(behaviour: Behaviour, lifeline: Lifeline) -> int:
    """Behave as what answers callers."""
    match behaviour:
        case Behaviour.ANSWER:
            asyncio.run(answer(lifeline))
        case Behaviour.STUBBORN:
            signal.signal(END_SIGNAL, signal.SIG_IGN)
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
        case _:
            raise AssertionError(behaviour)
    return 0


if __name__ == "__main__":
    sys.exit(main())
