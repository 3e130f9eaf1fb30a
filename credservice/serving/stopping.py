"""Stops the service without failing anybody who has been let in.

First `/readyz` says no, while all else goes on, so that proxies send their requests elsewhere. Then nobody new is let
in, and whatever has arrived by then is answered: also by connections that wait in the kernel's queue, which would be
reset if the socket was closed over them.
"""

import ctypes
import mmap
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

_flag = mmap.mmap(-1, 1)  # shared by the master and all workers, which are its forks
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
# Classic BPF (linux/filter.h): load byte 13 of the TCP header, its flags; where SYN is set keep 0 bytes, otherwise all.
_WITHOUT_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def is_under_way() -> bool:
    """Tell whether this service has been asked to stop."""
    return _flag[0] == 1


def begin() -> None:
    """Have every process know it."""
    _flag[0] = 1


def let_nobody_in(listener: socket.socket) -> None:
    """Drop requests for new connections from now on: unanswered, so that their clients ask again a second later and
    are refused then, or find the next server. Connections of the queue can still be accepted."""
    if listener.family == socket.AF_UNIX or sys.platform != "linux":
        return  # of a unix socket the name is removed first: that is enough
    program = b"".join(struct.pack("HBBI", *step) for step in _WITHOUT_SYN)
    code = ctypes.create_string_buffer(program, len(program))
    listener.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_WITHOUT_SYN), ctypes.addressof(code))
    )


def in_order(server: Any, seconds: float) -> Callable[[bool], None]:
    """Make the ``stop`` of gunicorn's master: what is above, then its own. ``seconds`` are the proxies' to notice.

    Where others go on with its sockets, the successor of a USR2 or systemd, nobody needs to be kept out.
    """
    stop = server.stop

    def stop_in_order(graceful: bool = True) -> None:
        server.maybe_promote_master()  # its predecessor may be gone since the last look, and nobody shares the sockets
        if graceful and server.WORKERS and not server.reexec_pid:
            begin()
            graceful = _serve_on(server, time.monotonic() + seconds)
            if not (server.systemd or server.master_pid):
                for listener in server.LISTENERS:
                    let_nobody_in(listener.sock)
        stop(graceful)

    return stop_in_order


def _serve_on(server: Any, end: float) -> bool:
    """Mind the workers until then. False where a second signal asks to be quick."""
    while (left := end - time.monotonic()) > 0:
        signals = server.wait_for_signals(timeout=min(left, 1.0))
        if signal.SIGINT in signals or signal.SIGQUIT in signals:
            return False
        server.reap_workers()
        server.manage_workers()
    return True
