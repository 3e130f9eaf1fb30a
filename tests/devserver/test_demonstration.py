"""An address that a start chose anew: it replaces the last one, and nothing that somebody changed."""

from io import StringIO

import pytest

from credservice.devserver.bootstrap import _demonstrate
from credservice.devserver.demo import SetUpFile
from credservice.events.models import EventEndpoint

TEXT = "event_endpoints:\n  receiver: {url: 'http://127.0.0.1:%d/events', description: the vendor}\n"


@pytest.mark.parametrize(("change", "port"), [({}, 2), ({"description": "mine"}, 1)])
def test_an_address_follows_where_nobody_changed_its_file(db, tmp_path, change, port):
    before, now = tmp_path / "before.yaml", tmp_path / "now.yaml"
    before.write_text(TEXT % 1)
    now.write_text(TEXT % 2)
    assert _demonstrate(SetUpFile(before), StringIO()) == 1
    EventEndpoint.objects.filter(name="receiver").update(**{"is_active": True} | change)
    assert _demonstrate(SetUpFile(now, before), StringIO()) == 0
    endpoint = EventEndpoint.objects.get(name="receiver")
    assert (endpoint.url, endpoint.description) == (
        f"http://127.0.0.1:{port}/events",
        change.get("description", "the vendor"),
    )
