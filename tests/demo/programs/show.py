"""The demonstration with a stand-in. Usage: `python -m tests.demo.programs.show DIRECTORY PORT [ARGUMENT ...]`."""

import sys
from pathlib import Path

from service.demo.run import Options, run

if __name__ == "__main__":
    stand_in = (sys.executable, "-m", "tests.demo.programs.stand_in", *sys.argv[3:])
    sys.exit(run(Options(int(sys.argv[2]), Path(sys.argv[1]), stand_in)))
