"""`python -m tidegate` is the command `tidegate`."""

import sys


def run() -> int:
    """Run the command line; a Ctrl-C while it is still being loaded ends as one later does."""
    try:
        from tidegate.cli.main import main  # noqa: PLC0415 - loading is what may be interrupted
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing is left half written.\n")
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(run())
