"""The whole service in the process of the tests, on their database, and everybody who calls it.

Nothing here names a module that could move: it is set up by its file, and called by HTTP and by its commands.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import connection
from django.test import Client

from credservice.devserver.demo import DEMO_FILE, make_secrets
from tests.e2e.partners import Manifold, MindCloud, new_id
from tests.lifecycle.outside import Outside
from tests.vendor_api.client import Vendor

CONNECTOR = "http://localhost:3001/v1"
MORE = f"""
policies:
  outside: {{issuer: folder}}
platforms:
  mindcloud: {{approve_installations: true}}
marketplaces:
  manifold:
    connector_url: {CONNECTOR}
    products:
      fox: {{policy: outside, regions: ["all::global"], plans: {{ursa-minor: {{}}}}}}
      slow-fox:
        policy: outside
        slow_credentials: true
        regions: ["all::global"]
        plans: {{ursa-minor: {{}}}}
"""


class Site:
    """The demonstration, and products and credentials whose issuer is somebody else: ``outside``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outside = folder, Outside(folder / "outside")
        make_secrets(folder / "demo")
        (folder / "more.yaml").write_text(MORE)
        for file in (DEMO_FILE, folder / "more.yaml"):
            call_command("apply", str(file))
        self._connect()

    def _connect(self) -> None:
        service: Any = SimpleNamespace(
            base_url="http://localhost:8000", port=8000, folder=self.folder, secret=self._secret
        )
        application = get_internal_wsgi_application()

        def as_served(environ: Any, start: Any) -> Any:
            query = environ["QUERY_STRING"]
            return application(environ | {"RAW_URI": environ["PATH_INFO"] + (f"?{query}" if query else "")}, start)

        self.http = httpx2.Client(transport=httpx2.WSGITransport(as_served), base_url=service.base_url)
        self.mindcloud, self.manifold = MindCloud(service, self.http), Manifold(service, self.http)
        self.vendor, self.console = Vendor(), Client()
        self.console.force_login(get_user_model().objects.create_superuser("root"))

    def _secret(self, name: str) -> str:
        return (self.folder / "demo" / name).read_text().strip()

    def customer(self) -> dict[str, str]:
        """The ids with which a new end user's first exchange comes, for a key that is made then."""
        end_user = new_id()
        facts = {"end_user_id": end_user, "attributes": {"region": "eu-central"}}
        assert self.vendor.put(f"/end-users/{end_user}", facts).status_code == 201
        return {"integrationId": "int_generated", "installationId": new_id(), "endUserId": end_user}

    def resource(self, product: str) -> str:
        """The id of a new resource of this product."""
        resource_id = new_id()
        assert self.manifold.put_resource(resource_id, product).status_code == 201
        return resource_id

    def credential(self, policy: str) -> str:
        """The id of a new credential by this policy."""
        made = self.vendor.post("/credentials", {"policy": policy})
        assert made.status_code in (201, 202), made.content
        return str(made.json()["id"])

    def state(self, credential: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT state FROM credentials_credential WHERE id = %s", [credential])
            return str(cursor.fetchone()[0])

    def close(self) -> None:
        """End the connections of threads that are gone, or the database could not be dropped."""
        self.http.close()
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) {others}")

    def clear_jobs(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
