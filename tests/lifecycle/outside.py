"""An outside world that outlives the process: credentials are files of a folder, and faults are files too.

The issuer is a real one to everything else: not local, idempotent by credential id, able to be down, to be slow, and
to be killed in the middle of a call.
"""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest, IssuerUnavailable


class FolderIssuer(Issuer):
    """OPTIONS: ``folder``."""

    can_check = True

    def __init__(self, folder: str, overlaps: bool = True) -> None:
        self.folder = Path(folder)
        self.overlaps = overlaps  # type: ignore[misc]

    def check_options(self, options: Mapping[str, Any]) -> None:
        pass

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return (options.get("promises", "PASSWORD"),)

    def issue(self, request: IssueRequest) -> Issued:
        self._note("issue", request.credential_id)
        self._fault("before-issue")
        made = self.folder / "live" / request.credential_id
        made.touch()
        self._fault("after-issue")
        return Issued(values={"PASSWORD": f"password-of-{request.credential_id}"}, handle={"name": made.name})

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        self._note("revoke", credential_id)
        self._fault("before-revoke")
        (self.folder / "live" / credential_id).unlink(missing_ok=True)
        self._fault("after-revoke")

    def _note(self, call: str, credential_id: str) -> None:
        with open(self.folder / "calls", "a") as calls:
            calls.write(f"{call} {credential_id}\n")

    def _fault(self, point: str) -> None:
        fault = self.folder / point
        if not fault.exists():
            return
        kind = fault.read_text()
        if kind == "down":
            raise IssuerUnavailable("the outside is down")
        if kind == "refuse":
            raise IssueFailed("the outside refuses")
        if kind == "break":
            raise RuntimeError("canary-in-an-exception")
        if kind == "slow":
            time.sleep(0.3)
        if kind == "hang":
            time.sleep(8)
        while kind == "wait" and fault.exists():
            time.sleep(0.02)
        if kind == "kill":
            fault.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class Outside:
    """A test's view of the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "live").mkdir(parents=True)

    def fault(self, point: str, kind: str) -> None:
        (self.folder / point).write_text(kind)

    def heal(self, point: str) -> None:
        (self.folder / point).unlink(missing_ok=True)

    def live(self) -> set[str]:
        return {path.name for path in (self.folder / "live").iterdir()}

    def calls(self, call: str) -> list[str]:
        try:
            lines = (self.folder / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line.split()[1] for line in lines if line.startswith(f"{call} ")]
