"""Keeps what was acknowledged: every value that was answered, what was ended since, and which callbacks are awaited."""

import itertools
import threading
from dataclasses import dataclass, field

from provisioning.checker.connector.callbacks import Callback

# An integration whose values are entered by imports.
STATIC = "int_abc123"


class History:
    """The values that one id was answered, and when. ``changes`` is how often it was asked to have another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: dict[str, tuple[float, float]] = {}  # of each value: first answered, last asked for
        self.changes = 0

    def answered(self, value: str, asked: float, answered: float) -> None:
        with self._lock:
            first, last = self._spans.get(value, (answered, asked))
            self._spans[value] = min(first, answered), max(last, asked)

    def __bool__(self) -> bool:
        return bool(self._spans)

    @property
    def newest(self) -> str:
        """The value whose first answer came last."""
        return max(self._spans, key=lambda value: self._spans[value][0])

    def contradiction(self) -> str:
        """Say what was answered that cannot be; empty where nothing was.

        A value gives way to the next one for good: whoever asks after that one was answered does not get the old one.
        """
        with self._lock:
            spans = sorted(self._spans.values())
        if len(spans) > 1 + self.changes:
            return f"{len(spans)} values after {self.changes} changes"
        if any(last > following for (_, last), (following, _) in itertools.pairwise(spans)):
            return "a value was answered again after its successor"
        return ""


@dataclass
class EndUser:
    """A customer of the exchange. ``credential`` is the id of the newest one that a rotation acknowledged."""

    name: str
    integration: str
    history: History = field(default_factory=History)
    registered: bool = False
    changing: bool = False
    credential: str = ""

    @property
    def is_static(self) -> bool:
        return self.integration == STATIC


@dataclass
class Promise:
    """A callback that a request about these orders named. ``given`` once that was answered with 202."""

    what: str
    orders: list["Order"]
    callback: Callback
    given: bool = False

    @property
    def fault(self) -> str:
        """Say what is wrong with it once all work is done. Nobody has to keep one that was not given."""
        callback = self.callback
        if callback.problem:
            return callback.problem
        if self.given and not callback.accepted:
            return f"promised, and not told ({callback.attempts} attempts)"
        removed_meanwhile = any(order.removing for order in self.orders)  # what need not be made
        if callback.accepted and callback.content["state"] != "done" and not removed_meanwhile:
            return f"told as {callback.content['state']}: {callback.content['message']}"
        return ""


@dataclass
class Order:
    """A credential that a marketplace has ordered: its id, and for which resource of which product.

    ``operation``: that of a slow one, as the answer named it, until its outcome was polled.
    """

    id: str
    resource: str
    product: str
    history: History = field(default_factory=History)
    removing: bool = False
    removed: bool = False
    operation: str = ""


class Ledger:
    """All of them. Threads add; rounds take what is settled."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)  # of the end users
        self.end_users: list[EndUser] = []
        self.orders: list[Order] = []
        self.promises: list[Promise] = []
        self.handed_out: list[str] = []  # ids of the requests that were answered with values
        self.resources: dict[str, list[str]] = {}
