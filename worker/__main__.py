"""`python -m worker` is `query-worker`."""

import os
import sys


def main() -> None:
    """Run the program; Ctrl-C is quiet even while it loads."""
    # Else gRPC writes each failed handshake to stderr, past our log; it reads this when loaded.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from worker.commands.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
