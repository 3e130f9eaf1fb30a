"""Notes the product's files in which a function runs."""

import sys
import threading
from types import FrameType
from typing import Any

from tests.structure.source import MODULES, name_of


class Tracing:
    """A ``with`` block: ``files`` are those of the product that it ran, in its thread and in those that it started.

    What a module runs when it is imported does not count.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self.files: set[str] = set()

    def __enter__(self) -> "Tracing":
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)
        seen = set(self._seen)  # a thread may still run
        self.files = {name_of(path) for path in MODULES if str(path) in seen}

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            self._seen.add(frame.f_code.co_filename)
