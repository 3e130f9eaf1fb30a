"""Alerts and dashboard: by promtool where it is installed, and by what /metrics really answers."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.metrics import scrape
from tests.support.paths import ROOT

PROMETHEUS = ROOT / "deploy/prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "credservice.rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy/grafana/credservice.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
DOCUMENT = (ROOT / "docs/monitoring.md").read_text()

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_its_configuration() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


@needs_promtool
def test_alerts_fire_where_they_should_and_not_where_they_should_not() -> None:
    promtool("test", "rules", Path(__file__).parent / "alerts.yml")


@needs_promtool
def test_prometheus_understands_the_dashboards_queries(tmp_path: Path) -> None:
    written = [query.replace("$__rate_interval", "5m") for query in QUERIES]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(written)]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


@pytest.mark.django_db
def test_every_figure_that_is_asked_for_is_told(client: Any) -> None:
    asked = {name for query in [*QUERIES, *(rule["expr"] for rule in RULES)] for name in figures_of(query)}
    assert asked <= scrape(client).names()
    assert set(figures_of(DOCUMENT)) <= scrape(client).names()


@pytest.mark.django_db
def test_every_figure_of_ours_is_described(client: Any) -> None:
    described = {re.sub("_(total|bucket)$", "", name) for name in figures_of(DOCUMENT)}
    told = {name for name in scrape(client).families() if name.startswith("credservice_")}
    assert {name for name in told - described if not name.endswith("_created")} == set()


def figures_of(text: str) -> list[str]:
    return re.findall(r"\bcredservice_\w+", text)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_tried_and_leads_to_what_is_to_be_done(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{rule['alert'].lower()}"
    assert f"\n### {rule['alert']}\n" in DOCUMENT
    assert rule["alert"] in (Path(__file__).parent / "alerts.yml").read_text()


def test_no_section_is_left_of_an_alert_that_is_gone() -> None:
    assert re.findall(r"^### (Credservice\w+)$", DOCUMENT, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
