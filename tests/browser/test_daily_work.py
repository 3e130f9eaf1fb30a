"""Does what operators do by day, in a browser: whoever may is led through it, nobody else has a button or a page."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, OVERVIEW, WATCH, open_more, sign_in, watched
from tests.support.live import LiveService

PASSWORD = secrets.token_urlsafe(16)
ROLES = ("Viewer", "Operator", "Secrets manager")
# An installation that waits, a callback that is stuck, an event that was not taken, a key before the current one.
SCENE = """
import json
from django.contrib.auth.models import Group, User
from django.utils import timezone
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.crypto import seal
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.services import new_secret_set, send_test
from credservice.keys.signing_keys import activate_signing_key, generate_signing_key
from credservice.vendor_api.tokens import create_token
from exchange.models import Installation
from provisioning.models import Callback, Operation, Plan, Resource
for role in {roles!r}:
    user = User.objects.create_user(role + {tag!r}, password={password!r}, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
known = Installation.objects.filter(state="active").first()
waiting = Installation.objects.create(platform=known.platform, integration=known.integration, end_user=known.end_user,
    installation_id="install_" + {tag!r}, state="pending")
plan = Plan.objects.first()
resource = Resource.objects.create(marketplace=plan.product.marketplace, partner_id="resource" + {tag!r},
    product=plan.product, plan=plan, region="all::global", state="active")
done = Operation.objects.create(resource=resource, verb="provision", fingerprint=b"f", state="succeeded")
stuck = Callback(marketplace=resource.marketplace, operation=done, partner_id="callback" + {tag!r}, state="refused",
    url="http://127.0.0.1:9/callbacks/1", reason="the connector answers 400", requested_at=timezone.now())
stuck.sealed_body = seal(b"{{}}", stuck.place)
stuck.save()
endpoint = EventEndpoint(name="erp" + {tag!r}, url="http://127.0.0.1:9/", secrets=new_secret_set("erp" + {tag!r}))
endpoint.save()
send_test(endpoint=endpoint, actor="test")
EventDelivery.objects.filter(endpoint=endpoint).update(state="failed")
old = generate_signing_key(algorithm="EdDSA", actor="test")
activate_signing_key(key=generate_signing_key(algorithm="EdDSA", actor="test"), actor="test")
policy = CredentialPolicy.objects.get(name="acme-generated-key")
token, _ = create_token(name="erp" + {tag!r}, scopes=["setup:read"], actor="test")
made = dict(
    installation=waiting, callback=stuck, eventdelivery=endpoint.deliveries.get(), signingkey=old,
    credential=start_issue(policy=policy, context={{}}, subject="", actor="test"), servicetoken=token)
print("MADE", json.dumps({{kind: str(row.pk) for kind, row in made.items()}}))
"""


@dataclass(frozen=True)
class Walk:
    """From a row's own page by its button, the page that asks, and what is told then."""

    app: str
    kind: str
    slug: str
    button: str
    asks: str
    told: str
    by: str = "Operator"
    not_by: str = "Viewer"
    reason: str = ""


WALKS = [
    Walk("exchange", "installation", "approve", "Approve", "is handed the credential", "is approved", not_by=ROLES[2]),
    Walk("provisioning", "callback", "resend", "Send again", "The same bytes are sent", "It is sent once more"),
    Walk("events", "eventdelivery", "replay", "Send again", "under the same webhook-id", "It is on its way again"),
    Walk("keys", "signingkey", "retire", "Retire", "It is published no more", "The key is retired", *ROLES[2:0:-1]),
    Walk("credentials", "credential", "revoke", "Revoke", "This cannot be undone", "revoked", reason="a leaked backup"),
    Walk("vendor_api", "servicetoken", "revoke", "Revoke", "This cannot be undone", "is revoked", *ROLES[2:0:-1]),
]


class Scene:
    def __init__(self, service: LiveService, browser: Browser) -> None:
        self._browser, self._address, self._tag = browser, service.base_url, secrets.token_hex(4)
        service.rows("DELETE FROM limits_window RETURNING key")  # one address may not sign in so often
        done = service.manage("shell", "-c", SCENE.format(roles=ROLES, tag=self._tag, password=PASSWORD))
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("MADE ")]
        self.rows: dict[str, str] = json.loads(line.removeprefix("MADE "))
        self._signed_in: dict[str, Any] = {}

    def page(self, role: str) -> Page:
        """A window of whoever has the role, signed in; of a context of its own."""
        state = self._signed_in.get(role)
        context = self._browser.new_context(base_url=self._address, viewport=DESKTOP, storage_state=state)
        context.set_default_timeout(15_000)
        context.add_init_script(WATCH)
        page = context.new_page()
        if state is None:
            page.goto("/admin/")
            sign_in(page, role + self._tag, PASSWORD)
            page.wait_for_url(OVERVIEW)
            self._signed_in[role] = context.storage_state()
        return page


@pytest.fixture(scope="module")
def scene(live_service: LiveService, browser: Browser) -> Scene:
    return Scene(live_service, browser)


@pytest.fixture(params=WALKS, ids=lambda walk: f"{walk.slug}-{walk.kind}")
def walk(request: pytest.FixtureRequest) -> Walk:
    found: Walk = request.param
    return found


@pytest.fixture
def home(scene: Scene, walk: Walk) -> str:
    """The address of the row's own page, without its end."""
    return f"/admin/{walk.app}/{walk.kind}/{scene.rows[walk.kind]}"


@pytest.fixture
def other(scene: Scene, walk: Walk) -> Iterator[Page]:
    page = scene.page(walk.not_by)
    faults = watched(page)
    yield page
    page.context.close()
    assert faults == []


@pytest.fixture
def one(scene: Scene, walk: Walk) -> Iterator[Page]:
    page = scene.page(walk.by)
    faults = watched(page)
    yield page
    page.context.close()
    assert faults == []


def test_whoever_may_not_has_no_button_and_no_page(other: Page, home: str, walk: Walk) -> None:
    answer = other.goto(f"{home}/change/")
    if answer is not None and answer.ok:  # some rows are not to be seen either
        expect(open_more(other).get_by_role("link", name=walk.button, exact=True)).to_have_count(0)
    refused = other.goto(f"{home}/{walk.slug}/")
    assert refused is not None
    assert refused.status == 403
    expect(other.get_by_text("Your account may not do this.")).to_be_visible()


def test_whoever_may_is_told_before_and_after(one: Page, home: str, walk: Walk) -> None:
    one.goto(f"{home}/change/")
    open_more(one).get_by_role("link", name=walk.button).first.click()
    expect(one.get_by_text(walk.asks)).to_be_visible()
    if walk.reason:
        one.get_by_label("Reason").fill(walk.reason)
    one.get_by_role("button", name=walk.button).click()
    expect(one.get_by_text(walk.told).first).to_be_visible()
