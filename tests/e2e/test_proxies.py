"""The documented proxies of deploy/ before two web servers. Skipped where a proxy is not installed.

Replaced in the files are only names, ports and certificates.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from credservice.devserver.child_process import LeashedProcess
from credservice.http.outgoing import tls_context
from tests.e2e.partners import Manifold, MindCloud, new_id
from tests.support.http_server import make_certificate
from tests.support.live import READY_SECONDS, LiveService, free_port, own_database, serving
from tests.support.paths import ROOT

NGINX = """daemon off; pid nginx.pid; {user} error_log stderr warn; events {{ }}
http {{ access_log off; {folders} include credservice.conf; }}
"""
FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
MEBIBYTE = 2**20


class Proxy(NamedTuple):
    """A proxy that runs: what a partner's client of the tests needs of a service, and its two web servers."""

    base_url: str
    port: int
    plain_port: int
    services: tuple[LiveService, LiveService]
    client: httpx2.Client

    @property
    def folder(self) -> Path:
        return self.services[0].folder

    def secret(self, name: str) -> str:
        return self.services[0].secret(name)


class Setting(NamedTuple):
    """Says a proxy where to listen and to lead, and which certificate with its key to show."""

    folder: Path
    port: int
    plain_port: int
    upstreams: tuple[int, int]
    certificate: Path


def nginx(setting: Setting) -> tuple[list[str], dict[str, str]]:
    text = (ROOT / "deploy/nginx/credservice.conf").read_text()
    for old, new in {
        r"(listen (?:\[::\]:)?)443": rf"\g<1>{setting.port}",
        r"(listen (?:\[::\]:)?)80;": rf"\g<1>{setting.plain_port};",
        "credentials.example.com;": "localhost;",
        "127.0.0.1:8000": f"127.0.0.1:{setting.upstreams[0]}",
        "127.0.0.1:8001": f"127.0.0.1:{setting.upstreams[1]}",
        "/etc/ssl/credentials.example.com/[a-z]+.pem": str(setting.certificate),
    }.items():
        text, count = re.subn(old, new, text)
        assert count, old
    (setting.folder / "credservice.conf").write_text(text)
    folders = " ".join(f"{name}_temp_path {name};" for name in FOLDERS)
    user = "user root;" if os.geteuid() == 0 else ""  # else it could not enter the tests' folder
    (setting.folder / "nginx.conf").write_text(NGINX.format(user=user, folders=folders))
    return ["nginx", "-e", "stderr", "-p", f"{setting.folder}/", "-c", "nginx.conf"], {}


def caddy(setting: Setting) -> tuple[list[str], dict[str, str]]:
    text, pem = (ROOT / "deploy/caddy/Caddyfile").read_text(), setting.certificate
    # Nobody asks an authority for certificates here, and another port of plain HTTP is used.
    text = text.replace("{\n\tservers", f"{{\n\tadmin off\n\thttp_port {setting.plain_port}\n\tservers", 1)
    text = text.replace("\trespond /metrics", f"\ttls {pem} {pem}\n\trespond /metrics", 1)
    if caddy_version() < (2, 7):
        text = text.replace("request_buffers 1MiB", "buffer_requests")
    (setting.folder / "Caddyfile").write_text(text)
    environment = {
        "SITE_ADDRESS": f"https://localhost:{setting.port}",
        "UPSTREAMS": " ".join(f"127.0.0.1:{port}" for port in setting.upstreams),
        "HOME": str(setting.folder),
    }
    return ["caddy", "run", "--config", str(setting.folder / "Caddyfile"), "--adapter", "caddyfile"], environment


def caddy_version() -> tuple[int, ...]:
    said = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    configure: Callable[[Setting], tuple[list[str], dict[str, str]]] = request.param
    if shutil.which(configure.__name__) is None:
        pytest.skip(f"{configure.__name__} is not installed")
    with (
        own_database() as url,
        tempfile.TemporaryDirectory(prefix="credservice-proxy-") as name,
        serving(url, pages=True, TRUSTED_PROXIES="127.0.0.1") as first,
    ):
        folder = Path(name)
        second = LiveService(first.folder, url, **(first.environment | {"PORT": (port := str(free_port()))}))
        second.port, second.log = int(port), first.folder / "second.log"
        second.base_url = f"http://localhost:{port}"
        second.start()
        _, authority = make_certificate(folder, "localhost")
        setting = Setting(folder, free_port(), free_port(), (first.port, second.port), folder / "server.pem")
        command, environment = configure(setting)
        with contextlib.ExitStack() as stack:
            stack.callback(second.stop)
            log = stack.enter_context((folder / "log").open("wb"))
            process = LeashedProcess(command, env=os.environ | environment, cwd=folder, output=log)
            stack.callback(process.stop)
            client = stack.enter_context(httpx2.Client(verify=tls_context(authority), timeout=30, trust_env=False))
            url = f"https://localhost:{setting.port}"
            found = Proxy(url, setting.port, setting.plain_port, (first, second), client)
            await_answer(found, process, folder / "log")
            yield found


def await_answer(proxy: Proxy, process: LeashedProcess, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(httpx2.HTTPError):
            if proxy.client.get(f"{proxy.base_url}/readyz").status_code == 200:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def mindcloud(proxy: Any) -> MindCloud:
    return MindCloud(proxy, proxy.client)


@pytest.mark.parametrize(
    "target",
    ["/credential-exchange", "/credential-exchange/mindcloud?b=%2F&a=1&a=+", "/credential%2Dexchange/mindcloud"],
)
def test_a_signature_over_the_path_as_it_was_sent_verifies(proxy, target):
    assert mindcloud(proxy).exchange(target).status_code == 200


def test_a_path_with_an_encoded_slash_arrives_as_it_was_signed(proxy):
    """It leads to no resource; but its signature is good, or it would be 401."""
    through, direct = (Manifold(service, proxy.client) for service in (proxy, proxy.services[0]))
    for target in (f"/v1/resources/a{slash}b/measures" for slash in ("%2F", "%2f", "//")):
        assert through.send("GET", target).status_code == direct.send("GET", target).status_code != 401
    assert through.put_resource(new_id()).status_code == 201


def test_the_console_knows_its_own_address(proxy):
    """Its forms are refused where scheme, host or port are not passed on."""
    page = proxy.client.get(f"{proxy.base_url}/admin/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    form = {"csrfmiddlewaretoken": token[1], "username": "nobody", "password": "wrong"}

    def status(origin: str) -> int:
        headers = {"Origin": origin, "Referer": f"{origin}/admin/login/"}
        return int(proxy.client.post(f"{proxy.base_url}/admin/login/", data=form, headers=headers).status_code)

    assert (status(proxy.base_url), status(f"http://localhost:{proxy.port}")) == (200, 403)


def test_an_import_of_16_mebibytes_arrives(proxy):
    token = proxy.services[0].manage("create_token", "importer", "--scope", "bulk:write").stdout.split()[-1]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    line = b'{"external_id": "' + b"x" * 60_000 + b'"}\n'  # refused row by row, by the service
    most = line * (16 * MEBIBYTE // len(line))

    def status(service: Any, body: bytes) -> int:
        return int(proxy.client.post(f"{service.base_url}/api/v1/bulk", content=body, headers=headers).status_code)

    assert status(proxy, most) == status(proxy.services[0], most) not in (401, 413)
    assert status(proxy, most + line * 2) == 413


def test_metrics_are_not_public(proxy):
    assert proxy.client.get(f"{proxy.base_url}/metrics").status_code == 404


def test_what_came_in_the_clear_is_not_answered(proxy):
    url = f"http://localhost:{proxy.plain_port}"
    if proxy.client.get(f"{url}/admin/").status_code not in (301, 308):
        pytest.fail("a browser is not led to https")
    assert proxy.client.post(f"{url}/credential-exchange", json={}).status_code != 200


def test_without_one_of_two_web_servers_all_is_answered(proxy):
    """Last: the second one does not come back."""
    proxy.services[1].stop()
    answers = [mindcloud(proxy).exchange().status_code for _ in range(20)]
    assert answers == [200] * 20
