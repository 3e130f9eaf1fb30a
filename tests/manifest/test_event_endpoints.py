"""Event endpoints in a set-up file."""

from datetime import timedelta

from django.utils import timezone

from credservice.events.models import EventEndpoint
from credservice.events.services import end_for_gone

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBldmVudHMgb2YgdGhlIHRlc3Q="
FILE = """
event_endpoints:
  backend:
    url: https://api.example.com/events
    types: [credential.revoked]
    signing_secret: file:demo/events
"""


def test_an_endpoint_is_made_with_its_secret_and_nothing_changes_again(commands):
    commands.secret("events", SECRET)
    commands.apply(FILE)
    endpoint = EventEndpoint.objects.get()
    assert endpoint.secrets.live().get().open().decode() == SECRET
    assert "Nothing to change" in commands.apply(FILE)
    assert "# signing_secret: env:BACKEND_SIGNING_SECRET" in commands.export()


def test_it_refuses_a_secret_of_another_form_and_an_unknown_type(commands):
    commands.secret("events", "a long enough secret, but none of Standard Webhooks")
    assert "is no Standard Webhooks secret" in commands.refused(FILE)
    assert "There is no type 'credential.eaten'" in commands.refused(FILE.replace("revoked", "eaten"))
    assert not EventEndpoint.objects.exists()


def test_without_a_secret_it_says_that_nothing_is_sent(commands):
    said = commands.apply("event_endpoints: {backend: {url: https://api.example.com/events}}")
    assert "no signing_secret yet, so nothing is sent" in said


def test_one_that_it_resumes_forgets_its_410(commands):
    commands.apply("event_endpoints: {backend: {url: https://api.example.com/events}}")
    end_for_gone(EventEndpoint.objects.get())
    commands.apply("event_endpoints: {backend: {active: true}}")
    endpoint = EventEndpoint.objects.get()
    assert (endpoint.is_active, endpoint.ended_by) == (True, "")


def test_another_url_ends_its_pause(commands):
    commands.apply("event_endpoints: {backend: {url: https://api.example.com/events}}")
    EventEndpoint.objects.update(failures=5, paused_until=timezone.now() + timedelta(minutes=10))
    commands.apply("event_endpoints: {backend: {url: https://api.example.com/mended}}")
    assert EventEndpoint.objects.get().paused_until is None
