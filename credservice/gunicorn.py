"""gunicorn's settings, in development and production: `gunicorn -c python:credservice.gunicorn credservice.wsgi`.

BIND (an address, 127.0.0.1 by default, or `unix:PATH`), PORT, WEB_WORKERS and WEB_THREADS change them.
"""

import os
import resource
import shutil
import tempfile
from typing import Any

from gunicorn import systemd

from credservice.http.listening import why_not_free
from credservice.http.server_settings import number, refuse

_address = os.environ.get("BIND") or "127.0.0.1"
_port = number("PORT", 8000, 0, 65535)
if _address.startswith("unix:"):
    bind = _address
elif ":" in _address:
    bind = f"[{_address.strip('[]')}]:{_port}"
else:
    bind = f"{_address}:{_port}"

worker_class = "credservice.http.worker.DoorWorker"  # gthread, with errors in JSON and an end to slow requests
workers = number("WEB_WORKERS", 2, 1, 1000)
threads = number("WEB_THREADS", 4, 1, 1000)
# Without it one worker takes all connections, and throughput is a third, at random.
reuse_port = not _address.startswith("unix:")
# One start-up check for all workers, and a worker that is replaced while the database is away still comes up.
preload_app = True
control_socket_disable = True
keepalive = 5
# The kernel's own sending of files waits for a client for ever: see credservice.http.worker.
sendfile = False
# Which proxy may say what is settings' TRUSTED_PROXIES; gunicorn itself believes nobody.
forwarded_allow_ips = ""
# Behind a unix socket it would all the same: SCRIPT_NAME, sent by anyone, would lead past a proxy's rules for paths.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
errorlog = "-"
proc_name = "credservice"

# Where the workers count: /metrics adds up what is in this folder. To be set before prometheus_client is imported.
_own_metrics_dir = not os.environ.get("PROMETHEUS_MULTIPROC_DIR")
if _own_metrics_dir:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="credservice-metrics-")
_metrics_dir = os.environ["PROMETHEUS_MULTIPROC_DIR"]


def on_starting(server: Any) -> None:
    """In the master, before it listens: a port that another server holds would be shared with it, and nobody told."""
    if server.master_pid or systemd.listen_fds(unset_environment=False):
        return  # a re-execution (USR2), or a socket of systemd: it holds the port itself
    for address in server.cfg.address:
        sentence = why_not_free(address[0], address[1]) if isinstance(address, tuple) else None
        if sentence:
            on_exit(server)
            refuse(sentence)


def post_fork(server: Any, worker: Any) -> None:
    from credservice.credentials import bulkhead
    from credservice.statistics import counters

    counters.start()
    # Two threads are always left for what needs no issuer, such as handing out what is there.
    bulkhead.limit(max(1, threads - 2))
    # No memory with keys in it on anybody's disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    if _own_metrics_dir:
        shutil.rmtree(_metrics_dir, ignore_errors=True)
