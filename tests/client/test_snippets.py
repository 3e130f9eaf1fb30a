"""docs/snippets.md, pasted into a shell, Node and Go, and the first example of docs/client.md."""

import json
import os
import re
import shutil
import subprocess

import pytest

from credservice_client import Client
from tests.support.documented import fits, run, steps_of
from tests.support.mindcloud_server import TOKEN
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/snippets.md").read_text()
IN_NODE = """
const key = process.env.PRESENTED_KEY;
const grant = await snippet.register("node & 1", "enduser_node", "k-1");
console.log(JSON.stringify([grant.external_id, await snippet.customerOf(key), await snippet.customerOf(key + "x"),
  await snippet.browserToken("node & 1"),
  await snippet.register("node-2", undefined, "k").catch((error) => error.problem.type)]));
"""
IN_GO = """
func main() {
	key := os.Getenv("PRESENTED_KEY")
	if err := Register("go & 1", "enduser_go", "k-1"); err != nil {
		panic(err)
	}
	customer, _ := CustomerOf(key)
	nobody, _ := CustomerOf(key + "x")
	token, _ := BrowserToken("go & 1")
	problem := Register("go-2", "", "k").(*Problem)
	json.NewEncoder(os.Stdout).Encode([]string{"go & 1", customer, nobody, token, problem.Type})
}
"""
INVALID = "urn:credservice:problem:invalid_request"


def code(language: str, page: str = PAGE) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0])


@pytest.fixture(scope="module")
def presented_key(api: Client) -> str:
    made = api.create_credential("acme-generated-key", context={"external_id": "customer-1"})
    return str(api.reveal_credential(made.id, "a test").values["apiKey"])


@pytest.fixture
def environment(vendor_service, service_token, presented_key, mindcloud) -> dict[str, str]:
    return dict(os.environ) | {
        "CREDSERVICE_URL": vendor_service.base_url,
        "CREDSERVICE_TOKEN": service_token,
        "PRESENTED_KEY": presented_key,
    }


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="there is no bash or no curl here")
def test_those_for_curl(environment, tmp_path, mindcloud):
    mindcloud.users["enduser_shell"] = "shell-1"
    steps = steps_of(PAGE)
    for step, answer in zip(steps, run(steps, tmp_path, environment), strict=True):
        assert fits(answer, step.answer), f"$ {step.command}\n{answer}"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
def test_those_for_node(environment, tmp_path, mindcloud):
    mindcloud.users["enduser_node"] = "node & 1"
    (tmp_path / "snippet.mjs").write_text(code("javascript"))
    (tmp_path / "main.mjs").write_text(f'import * as snippet from "./snippet.mjs";\n{IN_NODE}')
    said = output(["node", "main.mjs"], tmp_path, environment)
    assert said == ["node & 1", "customer-1", None, TOKEN, INVALID]


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no go on this machine")
def test_those_for_go(environment, tmp_path, mindcloud):
    mindcloud.users["enduser_go"] = "go & 1"
    (tmp_path / "main.go").write_text(code("go").replace("package credservice", "package main") + IN_GO)
    said = output(["go", "run", "main.go"], tmp_path, environment)
    assert said == ["go & 1", "customer-1", "", TOKEN, INVALID]


def test_that_of_the_client(api, vendor_service, service_token, presented_key):
    example = code("python", (ROOT / "docs/client.md").read_text())
    names = {"token": service_token, "key": "the key of this customer", "presented_key": presented_key}
    exec(example.replace("https://credentials.example.com", vendor_service.base_url), names)
    assert names["grant"].credential.state == "active"
    assert names["checked"].sub == "customer-1"


def output(command: list[str], folder, environment) -> object:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
