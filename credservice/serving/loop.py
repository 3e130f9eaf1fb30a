"""Waits for clients by epoll: none of them holds a thread, however slow it is.

All threads of a process wait at one epoll. Each connection is armed for one event, so the thread that is woken has it
to itself: it reads what is there and, where that makes a request whole, answers it. Nothing is handed from thread to
thread. There is one thread more than may work at a time: it reads on, and answers ``/healthz``, while all are busy.
"""

import contextlib
import logging
import math
import resource
import select
import socket
import struct
import threading
import time
import traceback
from collections import deque

from credservice.serving.answers import Answer, Application, answer, environ_of, failure, refusal, shared_environ
from credservice.serving.connections import Connection, Gone, Limits, Request
from credservice.serving.heads import Malformed

LINGER_SECONDS = 2.0  # in which what a client still sends is read: closed over it, its last answer might be lost
MOST_CONNECTIONS = 2_000  # of a process: each may hold some 100 KiB of what it sends
SPARE_FILES = 64  # descriptors that are left to databases and outgoing connections
OUT_OF_TURN = "/healthz"
_READ, _WRITE = select.EPOLLIN | select.EPOLLONESHOT, select.EPOLLOUT | select.EPOLLONESHOT
_LISTEN = select.EPOLLIN | select.EPOLLET | select.EPOLLEXCLUSIVE  # a new connection wakes one thread of one process
_DROP = struct.pack("ii", 1, 0)  # RST, and no bytes left in the kernel

log = logging.getLogger("gunicorn.error")


class Loop:
    """A process's connections, their epoll, and the threads that wait at it."""

    def __init__(self, application: Application, listeners: list[socket.socket], threads: int, limits: Limits) -> None:
        self._application, self._threads, self._limits = application, threads, limits
        self._epoll = select.epoll()
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._deaf = set(self._listeners)  # those that are not at the epoll at present
        self._connections: dict[int, Connection] = {}
        self._most = min(MOST_CONNECTIONS, _raise_file_limit() - SPARE_FILES)
        self._busy = 0
        self._waiting: deque[tuple[Connection, Request]] = deque()  # for a thread that may work
        self._turn = threading.Lock()  # of the two above
        self._hearing = threading.Lock()  # of listeners, and which of them are deaf
        self._closing = threading.Lock()  # no descriptor is closed, and given to another, while it is shut down
        self._patience = threading.BoundedSemaphore(max(1, threads - 2))
        self._idle_until = math.inf  # finite once the process stops

    # --- What the process's main thread calls

    def start(self) -> None:
        for number in range(self._threads + 1):
            threading.Thread(target=self._run, name=f"door-{number}", daemon=True).start()
        self.tick()

    def tick(self) -> None:
        """Cut off everybody whose time is over, and who is idle where others find no place; listen again after that."""
        now = time.monotonic()
        idle_until = self._idle_until if len(self._connections) < self._most else 0.0
        for connection in list(self._connections.values()):
            if (min(connection.deadline, idle_until) if connection.is_idle else connection.deadline) < now:
                self._cut_off(connection)
        with self._hearing:
            self._hear()

    def stop(self, grace: float) -> None:
        """Make each answer its connection's last. Who has one open has ``grace`` seconds to begin a request on it."""
        self._idle_until = time.monotonic() + grace

    def stop_listening(self) -> None:
        with self._hearing:
            for number in self._listeners.keys() - self._deaf:
                self._epoll.unregister(number)
            for listener in self._listeners.values():
                listener.close()
            self._listeners, self._deaf = {}, set()

    @property
    def is_empty(self) -> bool:
        return not self._connections

    # --- What the other threads do

    def _run(self) -> None:
        while True:
            for number, _ in self._epoll.poll(None, 1):
                try:
                    self._heed(number)
                except Exception as error:  # a thread that ended here would be missed for ever
                    log.error("Error of the server: %s", _place(error))  # noqa: TRY400 - its text may quote secrets

    def _heed(self, number: int) -> None:
        if connection := self._connections.get(number):
            self._on_event(connection)
        elif listener := self._listeners.get(number):
            self._accept(listener)

    def _accept(self, listener: socket.socket) -> None:
        """Take one connection, and queue up again behind the other processes, so that each gets its share of them."""
        with self._hearing:
            number = listener.fileno()
            if number not in self._listeners or number in self._deaf:
                return  # it has been closed meanwhile, or another thread has found no place for more
            self._epoll.unregister(number)
            self._deaf.add(number)
            try:
                self._add(*listener.accept())
            except (BlockingIOError, ConnectionAbortedError):
                pass  # another process took it, or the client has gone
            except OSError as error:
                log.error("No more connections: %s", error.strerror)  # noqa: TRY400 - one line, until the next tick
                return
            self._hear()

    def _hear(self) -> None:
        """Have new connections wake a thread, as long as more of them can be held."""
        while self._deaf and len(self._connections) < self._most:
            self._epoll.register(self._deaf.pop(), _LISTEN)

    def _add(self, sock: socket.socket, peer: object) -> None:
        number = sock.fileno()
        try:
            sock.setblocking(False)
            connection = Connection(sock, shared_environ(_name(sock.getsockname()), _name(peer)), self._limits)
            self._connections[number] = connection
            self._epoll.register(number, _READ)
        except OSError:
            self._connections.pop(number, None)
            sock.close()
            raise

    def _on_event(self, connection: Connection) -> None:
        try:
            if connection.unsent:
                connection.flush()
            else:
                self._receive(connection)
            self._advance(connection)
        except Exception as error:
            self._drop(connection, error)

    def _receive(self, connection: Connection) -> None:
        try:
            connection.receive()
        except Malformed as fault:
            self._refuse(connection, fault)

    def _advance(self, connection: Connection) -> None:
        """Go on with a connection as far as it goes without waiting."""
        while request := self._next(connection):
            with self._turn:
                has_place = self._busy < self._threads
                if has_place:
                    self._busy += 1
                elif request.head.path != OUT_OF_TURN:
                    self._waiting.append((connection, request))
                    return
            if has_place:
                return self._work(connection, request)
            self._answer(connection, request)

    def _work(self, connection: Connection, request: Request) -> None:
        """Answer this request, and all that have been waiting for a thread."""
        while True:
            try:
                self._answer(connection, request)
                following = self._next(connection)
            except Exception as error:
                self._drop(connection, error)
                following = None
            with self._turn:
                if following:
                    self._waiting.append((connection, following))
                if not self._waiting:
                    self._busy -= 1
                    return
                connection, request = self._waiting.popleft()

    def _next(self, connection: Connection) -> Request | None:
        """Return the next request that can be answered now. Without one, its connection waits at the epoll again."""
        if not (connection.unsent or connection.ends):
            try:
                if request := connection.next_request():
                    return request
            except Malformed as fault:
                self._refuse(connection, fault)
        self._wait(connection)
        return None

    def _refuse(self, connection: Connection, fault: Malformed) -> None:
        """Answer what could not be read as HTTP. Of the request only the address is logged, and what kind of fault."""
        log.warning("Malformed request from %s: %s", connection.environ["REMOTE_ADDR"] or "a socket", fault)
        connection.ends = True
        connection.send(refusal(fault))

    def _wait(self, connection: Connection) -> None:
        if connection.unsent:
            self._epoll.modify(connection.number, _WRITE)
            return
        if connection.ends and not connection.lingers:
            connection.linger(LINGER_SECONDS)
        connection.await_request()
        self._epoll.modify(connection.number, _READ)

    def _answer(self, connection: Connection, request: Request) -> None:
        response = Answer(connection, request, closes=self._idle_until != math.inf)
        try:
            answer(self._application, environ_of(request, connection.environ), response, self._patience)
        except Gone:
            _tear(connection)
            raise
        except Exception as error:
            log.error("Error outside of the application: %s", _place(error))  # noqa: TRY400 - its text may quote secrets
            if response.is_begun:
                _tear(connection)
                raise Gone from None
            response.closes = True
            connection.send(failure())
        finally:
            connection.release_body()
        connection.ends = response.closes

    def _cut_off(self, connection: Connection) -> None:
        """End it, which wakes the thread that it is armed for. An answer that is not taken is not kept either."""
        with self._closing, contextlib.suppress(OSError):
            if connection.unsent:
                _tear(connection)
            connection.sock.shutdown(socket.SHUT_RDWR)

    def _drop(self, connection: Connection, error: Exception) -> None:
        """Close what nobody could go on with; an error of ours may not keep it, or its thread, for ever."""
        if not isinstance(error, Gone):
            log.error("Error of the server: %s", _place(error))
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        with self._closing:
            del self._connections[connection.number]
            connection.close()


def _tear(connection: Connection) -> None:
    """Have it end by a reset: an answer that breaks off would look whole to who reads to the end (HTTP/1.0)."""
    with contextlib.suppress(OSError):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)


def _name(address: object) -> tuple[str, str]:
    """Name an end of a connection; a unix socket has none."""
    return (address[0], str(address[1])) if isinstance(address, tuple) else ("", "")


def _place(error: Exception) -> str:
    """Name an error and where it was raised, without its text, which may quote what was sent."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, {frame.filename}:{frame.lineno}"


def _raise_file_limit() -> int:
    """Allow this process more open files than a shell usually does, if it may, and return how many it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 1_000
    allowed = min(max(soft, wanted), hard) if hard != resource.RLIM_INFINITY else max(soft, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
