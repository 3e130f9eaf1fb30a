"""docs/set-up-file.md names every key, and the file can say whatever the models can hold."""

import re

import pytest
from django.db import models

from credservice.manifest.columns import Reference
from credservice.manifest.inline import inline
from credservice.manifest.registry import all_sections
from credservice.manifest.schema import Field
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "set-up-file.md").read_text()
# What a person does not set; what stands for it in a file, where something does.
NOT_SET = {"id", "created_at", "platform", "end_user", "marketplace", "product", "secrets", "restricts_changes"}
NOT_SET |= {"failing_since", "failures", "paused_until", "ended_by", "earlier_names", "earlier_profiles"}


def _documented(section):
    table = TEXT.split(f"\n### {section.name}\n", 1)[1].split("\n#", 1)[0]
    return [tuple(row.split(" | ")) for row in re.findall(r"^\| (`.+) \|$", table, re.MULTILINE)]


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.name)
def test_the_reference_names_every_key(section):
    assert sorted(row[0].strip("`") for row in _documented(section)) == sorted(section.keys())


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.name)
def test_the_reference_says_what_is_required(section):
    required = {known.name for known in section.fields if known.required}
    assert {row[0].strip("`") for row in _documented(section) if row[-1] == "required"} == required


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.name)
def test_the_reference_gives_the_models_defaults(section):
    documented = {row[0].strip("`"): row[-1] for row in _documented(section)}
    for known in section.fields:
        if not known.required and type(known) in (Field, Reference):
            default = section.model._meta.get_field(known.attribute).get_default()
            shown = known.show(default) if default is not None else None
            assert documented[known.name].split(",")[0] == _shown(shown), known.name


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.name)
def test_every_column_can_be_set(section):
    columns = {column.name for column in section.model._meta.get_fields() if isinstance(column, models.Field)}
    named = {known.attribute for known in section.fields} | {extra.name for extra in section.extras}
    assert columns - NOT_SET - {section.key} <= named


def _shown(value):
    return {"1d": "`24h`"}.get(inline(value), f"`{inline(value)}`")
