"""Single sign-on of the served service, as the checker judges it."""

from tests.provisioning.sso.served import connecting_to
from tests.support.http_server import unused_port


def test_every_case_of_the_checker_passes(live_service):
    port = unused_port()
    with connecting_to(live_service, f"http://localhost:{port}/v1"):
        master = live_service.folder / "demo" / "masterkey.json"
        options = ["--master-key", str(master), "--connector-port", str(port), "--strict", "--only", "sso"]
        run = live_service.manage("check_provider", f"{live_service.base_url}/v1", *options)
    assert (run.returncode, "14 passed" in run.stdout) == (0, True), run.stdout + run.stderr
