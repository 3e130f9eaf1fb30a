"""The image and its composition: what is promised of them can be read in their files, whatever runs containers."""

import re
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from credservice import __version__
from tests.deploy.facts import SETTINGS
from tests.support.paths import ROOT

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "credservice" in service["image"]}


def instructions(kind: str, stage: str) -> list[str]:
    return re.findall(rf"^{kind} (.+)$", stage, re.MULTILINE)


BUILD, FINAL = (f"FROM{stage}" for stage in DOCKERFILE.split("\nFROM")[1:])


def test_the_image_runs_as_nobody_who_could_own_it() -> None:
    assert instructions("USER", FINAL) == ["10001:10001"]
    assert "chown" not in FINAL


def test_the_image_holds_static_files_and_no_installer() -> None:
    assert "credservice collectstatic" in BUILD
    assert "pip uninstall -y setuptools pip" in BUILD
    assert "--require-hashes" in BUILD


def test_the_image_is_web_worker_and_every_command() -> None:
    assert instructions("ENTRYPOINT", FINAL) == ['["credservice"]']
    assert instructions("CMD", FINAL) == ['["serve"]']
    assert "/healthz" in instructions("HEALTHCHECK", FINAL)[0]


def test_what_the_image_is_built_from_is_there_and_not_left_out() -> None:
    kept = [line[1:] for line in (ROOT / "deploy/Dockerfile.dockerignore").read_text().split() if line[0] == "!"]
    for copied in instructions("COPY", BUILD):
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(name, f"{source.rstrip('/')}*") for name in kept), source


def test_every_variable_of_the_files_is_a_setting() -> None:
    named = set(re.findall(r"([A-Z_]+)=", " ".join(instructions("ENV", FINAL)))) - {"PATH"}
    for service in OURS.values():
        named |= set(service["environment"])
    assert {name.removesuffix("_FILE") for name in named if not name.startswith("PYTHON")} <= SETTINGS


@pytest.mark.parametrize("name", OURS)
def test_a_container_can_write_nothing_and_gain_nothing(name: str) -> None:
    service: dict[str, Any] = OURS[name]
    assert service["read_only"] is True
    assert (service["tmpfs"], service["cap_drop"]) == (["/tmp"], ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["networks"] == ["inside"]
    assert "ports" not in service


@pytest.mark.parametrize("name", OURS)
def test_secrets_are_files_and_commands_are_ours(name: str) -> None:
    service: dict[str, Any] = OURS[name]
    for variable in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"):
        assert variable not in service["environment"]
        assert service["environment"][f"{variable}_FILE"].removeprefix("/run/secrets/") in service["secrets"]
    assert service["command"][0] in {*get_commands(), "serve"}
    assert service["image"].endswith(f":-{__version__}}}")


def test_the_tables_are_made_before_anything_is_served() -> None:
    assert OURS["migrate"]["restart"] == "no"
    for name in ("web", "worker"):
        assert OURS[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    # Or the worker would take a chain that was cut short as it finds it.
    assert OURS["worker"]["volumes"] == ["worker:/var/lib/credservice"]


def test_a_worker_tells_by_its_command_whether_it_is_alive() -> None:
    assert OURS["worker"]["healthcheck"]["test"] == ["CMD", "credservice", "worker", "--check"]


def test_the_proxy_is_trusted_by_the_network_that_it_is_in() -> None:
    (network,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    assert OURS["web"]["environment"]["TRUSTED_PROXIES"] == network["subnet"]
    assert "inside" in COMPOSE["services"]["proxy"]["networks"]
