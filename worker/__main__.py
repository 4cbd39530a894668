"""`python -m worker` is `query-worker`."""

import sys


def main() -> None:
    """Run the program; Ctrl-C is quiet even while it loads."""
    try:
        from worker.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
