"""The demonstration from start to end, as `make run` shows it."""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from service.adapters.clock import SystemClock
from service.demo.companion import Companion, Program, answers_200, stay
from service.demo.errors import EXIT_FAILED, EXIT_STOPPED, DemoError
from service.demo.messages import Place, instructions
from service.demo.opening import Say, open_pki, own_directory
from service.demo.ports import free_port
from service.demo.responder import find_openssl
from service.demo.servers import DemoServers
from service.demo.service_program import NAME, READY, SERVE, service_environment
from service.demo.stop import StopSignals


@dataclass(frozen=True, slots=True)
class Options:
    """What the user has chosen.

    Attributes:
        port: Where the service is to answer; 0 for any free port.
        directory: Where the demonstration keeps its files.
        command: What is started as the service.
    """

    port: int
    directory: Path
    command: tuple[str, ...] = SERVE


def run(options: Options) -> int:
    """Show the demonstration until Ctrl-C or SIGTERM. For the main thread.

    Returns:
        The exit code: `EXIT_STOPPED`, or that of the error that was printed.
    """
    try:
        with StopSignals() as stop:
            _show(options, stop, _say)
    except DemoError as error:
        sys.stderr.write(f"error: {error.reason}\n")
        return error.exit_code
    except OSError as error:  # a full disk, no more processes
        sys.stderr.write(f"error: {error}\n")
        return EXIT_FAILED
    return EXIT_STOPPED


def _show(options: Options, stop: StopSignals, say: Say) -> None:
    find_openssl()
    port = free_port(options.port)
    clock = SystemClock()
    with ExitStack() as stack:
        stack.enter_context(own_directory(options.directory))
        pki, listeners = open_pki(options.directory, clock.now(), say)
        stack.enter_context(listeners)
        stack.enter_context(DemoServers(pki, listeners, clock))
        if stop.asked():
            return
        program = Program(NAME, options.command, service_environment(os.environ, pki.layout, port))
        service = stack.enter_context(Companion(program, answers_200(port, READY)))
        if service.wait_until_ready(stop.asked):
            say(instructions(pki.layout, port, Place.here(os.environ)))
            stay(service.check, stop.asked)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
