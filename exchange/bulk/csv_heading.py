"""Checks the heading of a table, and says what is wrong with a column that is none.

In a file without a heading its first line is somebody's values: none of them is repeated.
"""

import re
from collections.abc import Sequence
from typing import Any

from credservice.core.exceptions import Invalid

PLAIN = ("platform", "external_id", "end_user_id", "name", "state")
OF_GRANT = ("integration_id", "installation_id", "overlap_seconds")
PREFIXES = ("attribute.", "value.")
SAVE_AS = "save it as 'CSV UTF-8'."
_NAMED = (*PLAIN, *OF_GRANT)
_KNOWN = f"There are: {', '.join(_NAMED)}, attribute.NAME and value.NAME."
_HARMLESS = re.compile(r"[a-z_.]{1,40}")
# What spreadsheets of many countries write instead of a comma.
_SEPARATORS = {";": "semicolons", "\t": "tabs"}


def check_heading(names: Sequence[str]) -> None:
    """Raise :class:`Invalid` where these are no columns of an import."""
    if names[0].lower().startswith("sep="):
        raise Invalid("The first line is sep=, which tells a spreadsheet how cells are separated: take that line out.")
    for number, name in enumerate(names, start=1):
        if name not in _NAMED and not (name.startswith(PREFIXES) and name not in PREFIXES):
            raise Invalid(_separated([name]) or _unknown(number, names))
    if len(set(names)) < len(names):
        raise Invalid("The heading has the same name twice.")
    if "external_id" not in names:
        raise Invalid(_separated(names) or f"The heading lacks external_id. {_KNOWN}")


def check_encoding(line: str, *, is_utf8: bool) -> None:
    """Raise :class:`Invalid` where ``line``, the file's first, was not saved as a table that we read."""
    if "\x00" in line:
        raise Invalid(f"The file is not UTF-8, but UTF-16: {SAVE_AS}")
    if not is_utf8:
        raise Invalid(f"The file is not UTF-8: {SAVE_AS}")
    if "\r" in line and not line.endswith("\n"):
        raise Invalid(f"The file's lines end with CR alone: {SAVE_AS}")


def as_columns(problem: dict[str, Any]) -> dict[str, Any]:
    """Name columns of the table in a row's problem where it has JSON pointers."""
    errors = problem.get("errors")
    if not errors:
        return problem
    named = [{"column": _column(each["pointer"]), "message": each["message"]} for each in errors]
    first = named[0]["message"]
    # The sentence of a row that could not be read begins with the place in JSON.
    detail = first if problem["detail"].endswith(f": {first}") else problem["detail"]
    return problem | {"detail": detail, "errors": named}


def _column(pointer: str) -> str:
    """Name the column of a JSON pointer (RFC 6901) into the row that a line of the table stands for."""
    parts = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
    match parts:
        case ["attributes", name]:
            return f"attribute.{name}"
        case ["grants", _, "values", name]:
            return f"value.{name}"
        case ["grants", _, "values"]:
            return "value.NAME"
        case ["grants", _, name]:
            return name
        case ["grants", _]:
            return "integration_id"
    return ".".join(parts)


def _separated(names: Sequence[str]) -> str:
    found = [word for sign, word in _SEPARATORS.items() if any(sign in name for name in names)]
    return f"The cells are separated by {found[0]}. Save it with commas." if found else ""


def _unknown(number: int, names: Sequence[str]) -> str:
    name = names[number - 1]
    if not name:
        return f"Column {number} of the heading is empty. Take it out of every line, or write what it is. {_KNOWN}"
    meant = "_".join(name.lower().replace("-", " ").replace("_", " ").split())
    if meant in _NAMED:
        return f"Column {number} of the heading is not known. If it is {meant}, write it so."
    is_heading = any(other in _NAMED for other in names)
    shown = f", {name}," if is_heading and _HARMLESS.fullmatch(name) else ""
    return f"Column {number} of the heading{shown} is not known. {_KNOWN}"
