"""Measures how many files a reader meets who follows a request from its arrival to its answer.

Each way is taken as it goes when all is well (the first call of its list), and in variations that take other files. A
call is made twice, and the second one counts: by then everything is imported and every cache is filled. A file counts
where one of its functions runs, which leaves out files that only define tables or constants.
"""

from collections.abc import Callable, Iterator

import pytest
from procrastinate.contrib.django import app

from tests.lifecycle.conftest import BACKEND
from tests.structure import calls
from tests.structure.site import Site
from tests.structure.tracing import Tracing

Way = Callable[[Site], calls.Call]

WAYS: dict[str, list[Way]] = {
    "an_exchange": [calls.exchange, calls.first_exchange, calls.exchange_of_nobody, calls.unsigned_exchange],
    "a_credential_put": [
        calls.put,
        calls.put_made_outside,
        calls.put_made_later,
        calls.repeated_put,
        calls.put_for_nothing,
        calls.unsigned_put,
    ],
    "a_rotation_in_the_console": [calls.rotation, calls.rotation_made_outside, calls.rotation_page],
    "a_vendor_api_call": [calls.vendor_call, calls.repeatable_vendor_call, calls.vendor_list, calls.faulty_vendor_call],
    "an_issue_by_the_worker": [calls.issue, calls.issue_during_an_outage, calls.refused_issue],
}


@pytest.fixture
def site(transactional_db, settings, tmp_path, monkeypatch) -> Iterator[Site]:
    settings.VAR_DIR = tmp_path
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    folder = {"BACKEND": BACKEND, "OPTIONS": {"folder": str(tmp_path / "outside")}}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"folder": folder}
    monkeypatch.setattr(app.periodic_registry, "periodic_tasks", {})  # or a minute that begins would add its work
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.mark.parametrize("name", WAYS)
def test_it_follows(name: str, site: Site, record_property) -> None:
    met = [files_of(way, site) for way in WAYS[name]]
    record_property(f"files_of_{name}", sorted(met[0]))
    record_property(f"files_of_{name}_with_its_variations", sorted(set().union(*met)))


def files_of(way: Way, site: Site) -> set[str]:
    """The files that the second call of ``way`` runs."""
    way(site)()
    call = way(site)
    with Tracing() as tracing:
        call()
    return tracing.files
