"""`bruit`, and `python -m bruit`."""

import signal
import sys


def main() -> None:
    """Run the command line. Whoever stops it while it is imported, or already leaving, is not shown where it was."""
    try:
        from bruit.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:  # from here on nothing can be lost, and nobody is there to catch it
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()
