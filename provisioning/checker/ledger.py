"""Remembers what the provider may hold, so that every case can clean up after itself."""

from provisioning.checker.messages import Reply, Request

KINDS = ("/resources/", "/credentials/")


def _path(request: Request) -> str | None:
    """Find `/resources/ID` or `/credentials/ID` of a request for exactly that."""
    path = request.target.partition("?")[0]
    for kind in KINDS:
        _, found, last = path.rpartition(kind)
        if found and "/" not in last:
            return kind + last
    return None


class Ledger:
    """Paths that were PUT and not surely refused, until a DELETE is answered with 2xx or 404."""

    def __init__(self) -> None:
        self._may_exist: dict[str, bool] = {}
        self.left_behind: tuple[str, ...] = ()

    def sent(self, request: Request) -> None:
        """Note a request before it is sent: an answer that never comes does not mean that nothing was made."""
        path = _path(request)
        if request.method == "PUT" and path is not None:
            self._may_exist[path] = path in self._may_exist

    def answered(self, reply: Reply) -> None:
        path = _path(reply.request)
        if path not in self._may_exist:
            return
        if reply.request.method == "PUT":
            # A refusal says that nothing was made only where nothing was asked for under this path before.
            refused = 400 <= reply.status < 500
            if refused and not self._may_exist[path]:
                del self._may_exist[path]
        elif reply.request.method == "DELETE" and (reply.status < 300 or reply.status == 404):
            if reply.status == 202 and reply.later:
                # Promised, and then reported as an error: it is still there.
                return
            del self._may_exist[path]

    def open(self) -> list[str]:
        return list(self._may_exist)[::-1]

    def close(self) -> None:
        """End the case: what is still open is left behind at the provider."""
        self.left_behind += tuple(self._may_exist)
        self._may_exist = {}
