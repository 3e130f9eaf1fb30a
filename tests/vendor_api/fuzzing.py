"""Tells Schemathesis what it has to know about us: loaded by its own process, through SCHEMATHESIS_HOOKS."""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

# By operation, a call that must succeed: see ``seeding``.
CALLS: dict[str, Any] = json.loads(Path(os.environ["FUZZ_CALLS"]).read_text())


@schemathesis.serializer("application/x-ndjson")
def one_line(_: Any, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer("application/x-ndjson")
def first_line(_: Any, response: Any) -> Any:
    return json.loads(response.content.partition(b"\n")[0])


@schemathesis.hook
def before_add_examples(context: Any, examples: list[Any]) -> None:
    """The call that must succeed, alone: others might leave it no time on a busy machine, or take its object away."""
    call = CALLS[context.operation.label]
    body = {} if call["body"] is None else {"body": call["body"], "media_type": _media_type(context.operation)}
    examples[:] = [context.operation.Case(path_parameters=call["path"], query=call["query"], **body)]


def _media_type(operation: Any) -> str:
    offered = [body.media_type for body in operation.body]
    return "application/json" if "application/json" in offered else str(offered[0])


@schemathesis.check
class EveryOperationSucceeds:
    """An operation that only ever refuses has its good answers unchecked."""

    def __init__(self) -> None:
        self.succeeded: set[str] = set()

    def after_response(self, _: Any, response: Any, case: Any) -> None:
        # Beside this check stands response_schema_conformance, which reads the same answer.
        if case.method == case.operation.method.upper() and 200 <= response.status_code < 300:
            self.succeeded.add(case.operation.label)

    def after_run(self, _: Any) -> None:
        never = sorted(CALLS.keys() - self.succeeded)
        assert not never, f"never answered with 2xx: {', '.join(never)}"
