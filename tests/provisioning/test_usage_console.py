"""Usage in the console: lists to read."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from provisioning.models import Resource, UsageHour, UsageReport
from tests.provisioning.usage import report


@pytest.fixture
def console(db, settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    console = Client()
    console.force_login(User.objects.create_superuser("root"))
    return console


@pytest.fixture
def reported(vendor, honey, resource_id):
    """120 reports of one resource, one for each of as many hours; the first was corrected."""
    times = [f"2026-05-{hour // 24 + 1:02}T{hour % 24:02}:00:00Z" for hour in range(119)]
    reports = [report(f"k{n}", resource=resource_id, at=at) for n, at in enumerate(times)]
    correction = report("k119", resource=resource_id, at="2026-06-01T00:00:00Z", corrects="k0")
    assert vendor.batch(*reports, correction).status_code == 200


def rows(console, model, **query):
    response = console.get(reverse(f"admin:provisioning_{model._meta.model_name}_changelist"), query)
    assert response.status_code == 200
    return response.context["cl"].result_list


@pytest.mark.parametrize("model", [UsageReport, UsageHour])
def test_a_page_is_read_by_a_few_queries_without_counting(console, reported, model):
    rows(console, model)
    with CaptureQueriesContext(connection) as captured:
        assert len(rows(console, model)) == 50
    assert len(captured) <= 8
    assert not [query["sql"] for query in captured if "count(" in query["sql"].lower()]


def test_a_report_is_found_by_its_key(console, reported):
    assert [row.key for row in rows(console, UsageReport, q="k7")] == ["k7"]
    assert rows(console, UsageReport, q="k") == []


def test_a_resources_use_is_found_by_its_id(console, reported, resource_id):
    assert len(rows(console, UsageHour, q=resource_id)) == 50
    for model in (UsageReport, UsageHour):
        assert len(rows(console, model, resource__id__exact=str(Resource.objects.get().pk))) == 50


def test_a_report_shows_that_it_was_corrected(console, reported):
    pages = [
        console.get(reverse("admin:provisioning_usagereport_change", args=[UsageReport.objects.get(key=key).pk]))
        for key in ("k0", "k119")
    ]
    first, correction = (page.content.decode() for page in pages)
    assert ("corrected" in first, "counted" in first) == (True, False)
    assert ("corrected" in correction, "counted" in correction) == (False, True)


@pytest.mark.parametrize("model", [UsageReport, UsageHour])
def test_nobody_edits_it(console, reported, model):
    name = f"admin:provisioning_{model._meta.model_name}"
    row = model.objects.first()
    assert console.post(reverse(f"{name}_add"), {"quantity": 9}).status_code == 403
    assert console.post(reverse(f"{name}_change", args=[row.pk]), {"quantity": 9}).status_code == 403
    assert console.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert not model.objects.filter(quantity=9).exists()


def test_a_resource_links_to_its_use(console, reported):
    page = console.get(reverse("admin:provisioning_resource_change", args=[Resource.objects.get().pk]))
    assert "Usage reports" in page.content.decode()
