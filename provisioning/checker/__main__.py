"""Runs the checker without Django, a database or settings: `python -m provisioning.checker`."""

import argparse
import sys

from provisioning.checker.cli import main
from provisioning.checker.options import DESCRIPTION, add_arguments


def run() -> int:
    parser = argparse.ArgumentParser("python -m provisioning.checker", description=DESCRIPTION)
    add_arguments(parser)
    return main(vars(parser.parse_args()), sys.stdout, sys.stderr)


if __name__ == "__main__":
    sys.exit(run())
