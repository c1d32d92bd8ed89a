"""The door of the children: `python -m service.processes worker|prefetcher`, started by the supervisor alone."""

import os
import sys

from service.adapters.metrics_directory import share_if_there_is_room
from service.processes.lifeline import Lifeline

# Before the large imports below, which take a second: a child never outlives its supervisor, not even while it starts.
LIFELINE = Lifeline.from_environment()
if not share_if_there_is_room(os.environ):
    sys.stderr.write("revet: no room in the metrics directory; this process counts for itself\n")

from service.processes.children import run_child  # noqa: E402 - see above

sys.exit(run_child(sys.argv[1], LIFELINE))
