"""Configures gunicorn, in development and production: `gunicorn -c python:credservice.gunicorn credservice.wsgi`.

BIND (an address, 127.0.0.1 by default, or `unix:PATH`), PORT, WEB_WORKERS, WEB_THREADS and DRAIN_SECONDS change them.
gunicorn's part is its master: sockets, signals, processes. All HTTP is :mod:`credservice.serving`.
"""

import fcntl
import gc
import os
import resource
import select
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn import systemd

from credservice.http.server_settings import number, refuse, why_not_free
from credservice.serving import stopping

_address = os.environ.get("BIND") or "127.0.0.1"
_port = number("PORT", 8000, 0, 65535)
if _address.startswith("unix:"):
    bind = _address
elif ":" in _address:
    bind = f"[{_address.strip('[]')}]:{_port}"
else:
    bind = f"{_address}:{_port}"

# Where there is no epoll, which is nowhere but in development, gunicorn's own serves as well as it can.
worker_class = "credservice.serving.worker.DoorWorker" if hasattr(select, "epoll") else "gthread"
workers = number("WEB_WORKERS", 2, 1, 1000)
threads = number("WEB_THREADS", 4, 1, 1000)
_drain_seconds = number("DRAIN_SECONDS", 5, 0, 600)
# One start-up check for all workers, and a worker that is replaced while the database is away still comes up.
preload_app = True
control_socket_disable = True
errorlog = "-"
proc_name = "credservice"

_PREFIX = "credservice-metrics-"


def _make_metrics_dir() -> str:
    """Make a folder that this process and its workers keep locked until the last of them is gone.

    Under another name first: whoever finds it by its own may rely on its lock.
    """
    new = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    fcntl.flock(os.open(new, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_SH)
    return str(new.rename(new.with_name(new.name.removeprefix("."))))


def _remove_left_metrics() -> None:
    """Remove the folders of masters that were killed, which could not: ours, and locked by nobody."""
    for folder in Path(_metrics_dir).parent.glob(f"{_PREFIX}*"):
        # What cannot be looked at is somebody else's, as is a link or a file of that name.
        with suppress(OSError):
            found = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(found).st_uid == os.geteuid():
                    fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(found)


# Where the workers count: /metrics adds up what is in this folder. To be set before prometheus_client is imported.
# A successor (USR2) inherits the name of its predecessor's, which goes with that.
_metrics_dir = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
_own_metrics_dir = not _metrics_dir or Path(_metrics_dir).name.startswith(_PREFIX)
if _own_metrics_dir:
    _metrics_dir = os.environ["PROMETHEUS_MULTIPROC_DIR"] = _make_metrics_dir()


def on_starting(server: Any) -> None:
    """Refuse a port that another server holds, before gunicorn tries for five seconds to get it."""
    server.stop = stopping.in_order(server, _drain_seconds)
    if _own_metrics_dir:
        _remove_left_metrics()
    if server.master_pid or systemd.listen_fds(unset_environment=False):
        return  # a re-execution (USR2), or a socket of systemd: it holds the port itself
    for address in server.cfg.address:
        sentence = why_not_free(address[0], address[1]) if isinstance(address, tuple) else None
        if sentence:
            on_exit(server)
            refuse(sentence)


def when_ready(server: Any) -> None:
    """Leave what is loaded alone: the workers share its memory as long as no collector writes to it."""
    gc.collect()
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    # Here: gunicorn reads this file before Django is loaded.
    from django.conf import settings

    from credservice.core import database_session
    from credservice.core.startup import start_tracing
    from credservice.credentials import bulkhead
    from credservice.statistics import counters

    database_session.limit_statements(settings.DATABASE_STATEMENT_SECONDS)
    counters.start()
    start_tracing()
    # Two threads are always left for what needs no issuer, such as handing out what is there.
    bulkhead.limit(max(1, threads - 2))
    # No memory with keys in it on anybody's disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def child_exit(server: Any, worker: Any) -> None:
    # Here: its folder has to be named first, above.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    if _own_metrics_dir:
        shutil.rmtree(_metrics_dir, ignore_errors=True)
