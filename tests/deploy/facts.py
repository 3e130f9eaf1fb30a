"""Reads what the files of deploy/ are compared with."""

import re

from tests.support.paths import ROOT

# Every name that docs/configuration.md describes.
SETTINGS = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
