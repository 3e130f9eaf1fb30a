"""Counts the files that do for themselves what one file could do for all, by a call that each copy has to make.

A figure of 1 is the aim. A copy that is written quite differently is not seen: these patterns find the copies that
there were, and would find one that is pasted back.
"""

import re
from collections.abc import Iterator

from tests.structure.source import MODULES, name_of

PATTERNS = {
    "a_pause_with_jitter": r"\buniform\(",
    "a_job_is_enqueued": r"\bconfigure_task\(",
    "a_text_is_read_as_a_uuid": r"\bUUID\(text\)",
    "the_network_of_an_address": r"\bbits\), strict=False\)",
    "a_condition_for_rows_behind_a_key": r'\}__(lt|\{sign\})"',
    "basic_credentials_are_encoded": r"\bquote\(\w+\.client_id",
    "a_private_record_of_an_act": r"\bdef _record\w*\(",
}
# A package of its own, which may share nothing with the service, and a second opinion, which must not.
APART = ("credservice_client/", "provisioning/checker/")


def copies() -> Iterator[tuple[str, list[str]]]:
    """Each pattern's name, and the files of the service that match it."""
    texts = {name_of(path): path.read_text() for path in MODULES}
    for name, pattern in PATTERNS.items():
        yield name, [file for file, text in texts.items() if not file.startswith(APART) and re.search(pattern, text)]
