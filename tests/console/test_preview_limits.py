"""Previews and trials of one operator have a rate: past it, a sentence stands in their place, and saving goes on."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from credservice.adminkit import previews
from exchange.models import Platform
from exchange.services.grants import new_secret_set
from tests.support.pages import send, url

SHAPE = {"preview": "1", "response_shape": '{"apiKey": "$credential.apiKey"}'}
WAIT = "Those were 2 previews in this minute. The next is shown in"


@pytest.fixture(autouse=True)
def _two_a_minute(monkeypatch):
    monkeypatch.setattr(previews, "PER_MINUTE", 2)


def test_an_answers_preview_waits_and_is_saved_all_the_same(console, world):
    page = url(world.integration, "shape")
    shown = [console.post(page, SHAPE).json() for _ in range(3)]
    assert ["answer" in one for one in shown] == [True, True, False]
    assert shown[2]["problem"].startswith(WAIT)
    before = console.get(page).context["form"]["before"].value()
    saved = send(console, page, response_shape=SHAPE["response_shape"], before=before)
    assert saved.status_code == 302


def test_trials_and_first_steps_count_with_it(console, world):
    for _ in range(2):
        console.post(url(world.integration, "shape"), SHAPE)
    ids = {"integration": "int_1", "installation": "inst_1", "end_user": "eu_1"}
    page = console.get(url(world.platform, "test-exchange"), ids)
    assert "trial" not in page.context
    assert page.context["form"].non_field_errors()[0].startswith(WAIT)
    new = Platform.objects.create(name="new", secrets=new_secret_set("new"))
    row = {"shape-field": "apiKey", "shape-kind": "credential", "shape-text": ""}
    step = {"preview": "1", "integration_id": "int_2", "kind": "entered"} | row
    assert console.post(url(new, "first-steps"), step).json()["problem"].startswith(WAIT)


def test_another_operator_has_a_rate_of_their_own(console, world):
    for _ in range(3):
        console.post(url(world.integration, "shape"), SHAPE)
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    assert "answer" in other.post(url(world.integration, "shape"), SHAPE).json()
