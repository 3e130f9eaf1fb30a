"""The calls that ways.py follows, by HTTP and by commands. Each function prepares one, which checks its answer.

What a partner does before it sends, such as signing, is done in the preparation.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from django.core.management import call_command

from tests.e2e.partners import IDS, new_id
from tests.structure.site import CONNECTOR, Site

Call = Callable[[], None]


def answers(status: int, call: Callable[[], Any]) -> Call:
    def checked() -> None:
        answer = call()
        assert answer.status_code == status, answer.content

    return checked


def exchange(site: Site) -> Call:
    return exchange_of(site, 200)


def first_exchange(site: Site) -> Call:
    return exchange_of(site, 200, **site.customer())


def exchange_of_nobody(site: Site) -> Call:
    return exchange_of(site, 404, endUserId=new_id())


def unsigned_exchange(site: Site) -> Call:
    return answers(401, lambda: site.http.post("/credential-exchange", json=IDS))


def exchange_of(site: Site, status: int, **ids: str) -> Call:
    target, body = "/credential-exchange", json.dumps(IDS | ids)
    headers = site.mindcloud.headers(target)
    return answers(status, lambda: site.http.post(target, content=body, headers=headers))


def put(site: Site) -> Call:
    return put_of(site, 201, new_id(), site.resource("bear"))


def put_made_outside(site: Site) -> Call:
    return put_of(site, 201, new_id(), site.resource("fox"))


def put_made_later(site: Site) -> Call:
    callback_id = new_id()
    where = ("X-Callback-Id", callback_id), ("X-Callback-Url", f"{CONNECTOR}/callbacks/{callback_id}")
    return put_of(site, 202, new_id(), site.resource("slow-fox"), *where)


def repeated_put(site: Site) -> Call:
    credential_id, resource_id = new_id(), site.resource("bear")
    assert site.manifold.put_credential(credential_id, resource_id).status_code == 201
    return put_of(site, 201, credential_id, resource_id)


def put_for_nothing(site: Site) -> Call:
    return put_of(site, 404, new_id(), new_id())


def unsigned_put(site: Site) -> Call:
    return answers(401, lambda: site.http.put(f"/v1/credentials/{new_id()}", json={}))


def put_of(site: Site, status: int, credential_id: str, resource_id: str, *more: tuple[str, str]) -> Call:
    order = {"id": credential_id, "resource_id": resource_id}
    request = site.manifold.signed("PUT", f"/v1/credentials/{credential_id}", order, *more)
    return answers(status, lambda: site.manifold.deliver(request))


def rotation(site: Site) -> Call:
    return rotation_of(site, "acme-generated-key")


def rotation_made_outside(site: Site) -> Call:
    return rotation_of(site, "outside")


def rotation_page(site: Site) -> Call:
    page = rotation_page_of(site, "acme-generated-key")
    return answers(200, lambda: site.console.get(page))


def rotation_of(site: Site, policy: str) -> Call:
    page = rotation_page_of(site, policy)
    (form_id,) = re.findall(r'name="form_id" value="([^"]+)"', site.console.get(page).content.decode())
    return answers(302, lambda: site.console.post(page, {"overlap": "policy", "form_id": form_id}))


def rotation_page_of(site: Site, policy: str) -> str:
    return f"/admin/credentials/credential/{site.credential(policy)}/rotate/"


def vendor_call(site: Site) -> Call:
    """Grants an end user's credential; of the calls the one that products make most."""
    place = f"/end-users/{site.customer()['endUserId']}/grants/int_abc123"
    return answers(201, lambda: site.vendor.put(place, {"values": {"apiKey": new_id()}}))


def repeatable_vendor_call(site: Site) -> Call:
    body = {"policy": "outside"}
    return answers(201, lambda: site.vendor.post("/credentials", body, Idempotency_Key=new_id()))


def vendor_list(site: Site) -> Call:
    return answers(200, lambda: site.vendor.get("/grants?limit=1"))


def faulty_vendor_call(site: Site) -> Call:
    return answers(400, lambda: site.vendor.post("/credentials", {"policy": 1}))


def issue(site: Site) -> Call:
    return issue_of(site, "", "active")


def issue_during_an_outage(site: Site) -> Call:
    return issue_of(site, "down", "pending")


def refused_issue(site: Site) -> Call:
    return issue_of(site, "refuse", "failed")


def issue_of(site: Site, fault: str, state: str) -> Call:
    """Leave to the worker, who meets ``fault``, what the request could not do since the issuer was down."""
    site.clear_jobs()
    site.outside.fault("before-issue", "down")
    credential = site.credential("outside")
    site.outside.fault("before-issue", fault)

    def worked() -> None:
        work()
        site.outside.heal("before-issue")
        assert site.state(credential) == state

    return worked


def work() -> None:
    call_command("worker", "--once", "--concurrency=1")
