"""One target under libFuzzer, in a process of its own: `python -m fuzz.engine TARGET [options of libFuzzer] CORPUS…`.

The modules of the service are instrumented as they are imported, and nothing else is: coverage is that of the service.
"""

import sys

import atheris

with atheris.instrument_imports(include=["service"]):
    from fuzz.targets import TARGETS, run


def main() -> None:
    """Fuzz until libFuzzer's options say stop; it ends the process itself."""
    name = sys.argv[1]
    target = TARGETS[name]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda octets: run(target, octets))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
