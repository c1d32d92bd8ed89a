"""The command line's door: `revet`, `python -m service`."""

from service.cli.app import app


def main() -> None:
    """Run the command that the arguments name; ends the process."""
    app(prog_name="revet")


if __name__ == "__main__":
    main()
