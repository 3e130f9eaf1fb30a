"""Writes logs: one line an event on standard error, JSON in production. Never the text of an exception.

What a driver, a parser or an issuer quotes in an exception may be a row or a value; its class and where it was raised
are enough to find the fault.
"""

import logging
import traceback
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import ExcInfo


def where_it_failed(exc_info: ExcInfo) -> str:
    """Return the classes of an exception and of what led to it, with the lines of code that it came through."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < 8:
        trace = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{type(error).__module__}.{type(error).__qualname__}\n{trace}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "Led to by: ".join(parts)


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(where_it_failed),
]


def configure(level: str, *, json_lines: bool) -> dict[str, Any]:
    """Set structlog up, and return Django's ``LOGGING`` for the same lines from everybody else.

    Raises ImproperlyConfigured for a level that does not exist.
    """
    if level not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"LOG_LEVEL is {level!r}. Set it to DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    line = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processor": renderer,
        # Of a record's extras only the status: Django's `request` prints with its query string.
        "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder(allow={"status_code"})],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            # Anyone may send any Host header: the answer says so, and no stranger fills the log with tracebacks.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # A line for each job that is enqueued, started and done says nothing that the trail does not.
            "procrastinate": {"level": "WARNING"},
            # A line for each batch that could not be sent is enough: not one for each attempt.
            "opentelemetry": {"level": "ERROR"},
            # Whoever sends a request says how it went; the client's own line for each only repeats it.
            "httpx2": {"level": "WARNING"},
        },
    }
