"""The door of the children: `python -m service.processes worker|ingester`, started by the supervisor alone."""

import sys

from service.processes.lifeline import Lifeline

# Before the large imports below, which take a second: a child never outlives its supervisor, not even while it starts.
LIFELINE = Lifeline.from_environment()

from service.processes.children import run_child  # noqa: E402 - see above

sys.exit(run_child(sys.argv[1], LIFELINE))
