"""Asks over HTTP, and tells an answer from what has to be asked again."""

from collections.abc import Callable

import httpx2

from tests.drill.figures import UNEXPECTED, Figures

Act = Callable[[], bool]


class Asking:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def ask(self, kind: str, send: Callable[[], httpx2.Response]) -> httpx2.Response | None:
        """Send; ``None`` where it has to be sent again."""
        self._figures.count("requests", kind)
        try:
            answer = send()
        except httpx2.TransportError:
            self._figures.count("answers that did not come", "broken off")
            return None
        if answer.status_code == 503 or _is_under_way(answer):
            self._figures.count("answers that did not come", f"{answer.status_code}, try again later")
            return None
        if answer.status_code == 502 and answer.headers.get("Content-Type") == "text/html":
            # Of the proxy, whose node was killed within its answer. Ours are JSON.
            self._figures.count("answers that did not come", "broken off")
            return None
        if answer.status_code >= 500:
            self._figures.found(UNEXPECTED, f"{kind} is answered {said(answer)}")
            return None
        return answer


def said(answer: httpx2.Response) -> str:
    """An error's own words; no value is in them."""
    return f"{answer.status_code}: {answer.text[:300]}" if answer.status_code >= 400 else str(answer.status_code)


def _is_under_way(answer: httpx2.Response) -> bool:
    """Tell whether something else is being done with the object: as either protocol says it."""
    if answer.status_code == 422:
        return bool(answer.json().get("error") == "ConcurrencyError")
    return answer.status_code == 409 and "Retry-After" in answer.headers
