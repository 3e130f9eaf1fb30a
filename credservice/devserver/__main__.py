"""Runs `make run` (`... run`), or a command in a throw-away set-up of its own (`... throwaway COMMAND`)."""

from __future__ import annotations

import os
import subprocess
import sys

from credservice.devserver import Refusal

USAGE = "usage: python -m credservice.devserver run | throwaway COMMAND [ARGUMENT ...]"


def main(arguments: list[str]) -> int:
    """Run it and return the exit status; every refusal is one sentence on the error output."""
    try:
        match arguments:
            case ["run"]:
                from credservice.devserver.run import run  # here, so that Ctrl-C is in order from the start

                return run()
            case ["throwaway", *command] if command:
                from credservice.devserver.ephemeral import throwaway

                with throwaway() as environment:
                    return subprocess.run(command, env=os.environ | environment).returncode
        print(USAGE, file=sys.stderr)
        return 2
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
    except OSError as error:
        print(f"{error.strerror}: {error.filename}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
