"""A response shape, edited with its answer beside it."""

import pytest

from exchange.models import Integration
from exchange.services.dry_run import MASK
from tests.support.pages import send, url

SHAPE = '{"token": "$credential.apiKey", "tenant": "$end_user.external_id"}'


def previewed(console, world, text):
    return console.post(url(world.integration, "shape"), {"preview": "1", "response_shape": text}).json()


def test_the_preview_shows_the_answer_without_its_secret(world, console):
    answer = previewed(console, world, SHAPE)["answer"]
    assert MASK in answer
    assert "acme" in answer
    assert Integration.objects.get(pk=world.integration.pk).response_shape == {"apiKey": "$credential.apiKey"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not valid JSON"),
        ("", "required"),
        ('{"a": "$credential.none"}', "no value named none"),
        ('{"a": "$end_user.region"}', "end_user has no attribute"),
        ("[1]", "JSON object"),
    ],
)
def test_the_preview_says_what_is_wrong(world, console, text, problem):
    assert problem in previewed(console, world, text)["problem"]


def test_it_is_saved(world, console, trail):
    before = '{"apiKey": "$credential.apiKey"}'
    send(console, url(world.integration, "shape"), response_shape=SHAPE, before=before)
    assert sorted(Integration.objects.get(pk=world.integration.pk).response_shape) == ["tenant", "token"]
    assert trail.one(action="integration.changed").detail == {"changes": {"response_shape": {}}}


def test_somebody_elses_change_is_not_overwritten(world, console):
    page = send(console, url(world.integration, "shape"), response_shape=SHAPE, before='{"older": "x"}')
    assert "Somebody else changed it meanwhile" in page.content.decode()
    assert "$end_user.external_id" in page.content.decode()
    assert Integration.objects.get(pk=world.integration.pk).response_shape == {"apiKey": "$credential.apiKey"}


def test_a_shape_that_cannot_be_filled_is_not_saved(world, console):
    send(
        console,
        url(world.integration, "shape"),
        response_shape='{"a": "$credential.no"}',
        before='{"apiKey": "$credential.apiKey"}',
    )
    assert "apiKey" in Integration.objects.get(pk=world.integration.pk).response_shape
