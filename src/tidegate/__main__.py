"""`python -m tidegate` is the command `tidegate`."""

import sys


def run() -> int:
    """Run the command line; what asks it to end while it is still being loaded is answered as later."""
    try:
        from tidegate.cli.signals import hear_signals, ignore_signals  # noqa: PLC0415 - loading is what may be interrupted

        hear_signals()
        from tidegate.cli.main import main  # noqa: PLC0415 - likewise

        code = main()
        ignore_signals()
    except KeyboardInterrupt:  # before `main` began to guard, or after it had ended
        sys.stderr.write("Interrupted; nothing is left half written.\n")
        code = 130
    return code


if __name__ == "__main__":
    sys.exit(run())
