"""What `make run` starts: `python -m service.demo --port 8080 [--directory .demo]`."""

import argparse
import sys
from pathlib import Path
from typing import Final

from service.demo.messages import DEFAULT_PORT
from service.demo.run import Options, run

_MAX_PORT: Final = 65_535


def main(arguments: list[str]) -> int:
    """Run the demonstration; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m service.demo",
        description="Serve a demonstration PKI: certificates good and revoked, live CRLs and OCSP responders.",
    )
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="of the service; 0 for any (%(default)s)")
    parser.add_argument("--directory", type=Path, default=Path(".demo"), help="for its files (%(default)s)")
    chosen = parser.parse_args(arguments)
    return run(Options(chosen.port, chosen.directory))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{port} is no port")
    return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
