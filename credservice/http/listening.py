"""Whether a port can be listened on, asked before a server does."""

import socket


def why_not_free(address: str, port: int) -> str | None:
    """One sentence where this port cannot be used; None where it can.

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
