"""Reads the server's own numbers, before Django is loaded: a wrong one ends it with a sentence."""

import os
import socket
import sys
from typing import NoReturn


def number(name: str, default: int, least: int, most: int) -> int:
    """Read a setting that is a whole number from ``least`` to ``most``; anything else ends the server."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        refuse(f"{name}={text} is no whole number from {least} to {most}. See docs/configuration.md.")
    return int(text)


def refuse(sentence: str) -> NoReturn:
    """End the server before it begins, with exit code 3, as its other refusals to start."""
    print(f"credservice does not start: {sentence}", file=sys.stderr)
    raise SystemExit(3)


# For all of a request, from its first byte on, and for all of its answer. A client that dies or dawdles in the middle
# of either holds a thread.
REQUEST_SECONDS: float = number("REQUEST_SECONDS", 20, 1, 3600)


def why_not_free(address: str, port: int) -> str | None:
    """Say in a sentence why this port cannot be used; None where it can.

    The server's own bind would not notice somebody who listens there: with SO_REUSEPORT two servers of one user share
    a port.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except socket.gaierror as error:
            return f"BIND={address} is no address of this machine ({error.strerror})."
        except OSError as error:
            reason = f"Port {port} on {address} cannot be used ({error.strerror})"
            return f"{reason}: choose another one with PORT=..."
    return None
