"""Finds where a development set-up keeps its state and where it is reached: VAR_DIR, PORT and BIND."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from credservice.core.checkout import HOME, typed_command
from credservice.devserver import Refusal, envfile
from credservice.http.server_settings import why_not_free

_DEFAULT_PORT = 8000
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where the user says so; loopback is the default


@dataclass(frozen=True)
class Layout:
    """A development set-up. `var_dir` is absolute; `address` is an IPv4 or IPv6 address or a host name."""

    var_dir: Path
    address: str
    port: int

    @classmethod
    def from_environment(cls) -> Layout:
        port = os.environ.get("PORT") or str(_DEFAULT_PORT)
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise Refusal(f"PORT={port} is not a port: choose a number from 1024 to 65535.")
        address = os.environ.get("BIND") or "127.0.0.1"
        if address.startswith("unix:"):
            raise Refusal("`make run` serves on a port: leave BIND out, or set it to an address.")
        return cls(Path(os.environ.get("VAR_DIR") or HOME / "var").absolute(), address.strip("[]"), int(port))

    @property
    def url(self) -> str:
        """Return the address at which a browser on this machine reaches it."""
        return f"http://localhost:{self.port}"

    @property
    def health_url(self) -> str:
        """Return the probe's URL, by address: what `localhost` leads to is for the machine to say."""
        address = _EVERY_ADDRESS.get(self.address, self.address)
        return f"http://{f'[{address}]' if ':' in address else address}:{self.port}/healthz"

    @property
    def lock(self) -> Path:
        """Return the file that a run of this state holds locked."""
        return self.var_dir / envfile.RUN_LOCK

    def command(self, arguments: str) -> str:
        """Write a command line to paste where it was started."""
        elsewhere = "" if self.var_dir == HOME / "var" else f"VAR_DIR={shlex.quote(str(self.var_dir))} "
        return f"{elsewhere}{typed_command()} {arguments}"

    def shown(self, path: Path) -> str:
        """Write a path as it is typed there."""
        return str(path.relative_to(HOME) if path.is_relative_to(HOME) else path)

    def require_free_port(self) -> None:
        """Refuse a port that somebody listens on."""
        sentence = why_not_free(self.address, self.port)
        if sentence:
            raise Refusal(sentence)
