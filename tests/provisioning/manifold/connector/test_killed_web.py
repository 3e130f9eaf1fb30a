"""The web processes killed while slow work is promised: the worker does it, and the callback arrives once."""

import json
from contextlib import contextmanager

import pytest

from provisioning.checker.connector import Client, Connector
from provisioning.checker.ids import new_id
from provisioning.checker.keys import MasterKey
from provisioning.checker.order import Order
from provisioning.checker.promises import Promises
from provisioning.checker.provider import Provider
from provisioning.checker.signer import sign
from provisioning.checker.transport import NoReply, Transport
from tests.lifecycle.conftest import BACKEND
from tests.lifecycle.outside import Outside
from tests.support.live import own_database, serving

SET_UP = """
policies:
  passwords: {{issuer: folder}}
marketplaces:
  manifold:
    connector_url: {url}
    client_secret: file:demo/manifold-client-secret
    products:
      {label}:
        policy: passwords
        regions: [all::global]
        slow_credentials: {slow}
        plans: {{small: {{}}}}
"""


class Killable:
    """A served product, the marketplace that orders from it, and its connector."""

    def __init__(self, service, connector, outside, label):
        self.service, self.connector, self.outside = service, connector, outside
        key = service.folder / "demo" / "masterkey.json"
        transport = Transport(service.base_url, timeout=30.0, watch=lambda request, reply: None)
        promises = Promises(connector, 1.0, lambda text, seconds: None)
        order = Order(product=label, plan="small", region="all::global")
        self.provider = Provider(transport, MasterKey.load(key), order, connector.url, promises)
        self.resource_id, self.credential_id = new_id(), new_id()
        assert self.provider.put_resource(self.resource_id).status == 201

    def put(self):
        """The first answer to the credential's request, and its callback."""
        body = {"id": self.credential_id, "resource_id": self.resource_id}
        request = self.provider.request("PUT", f"/credentials/{self.credential_id}", body)
        return self.provider.dispatch(sign(request, self.provider.live))

    def work(self, callback):
        """Until it has arrived: what a job enqueues may be the next process's to do. Leases of the killed are over."""
        self.end_leases()
        for _ in range(4):
            done = self.service.manage("worker", "--once")
            assert done.returncode == 0, done.stderr[-2000:]
            if callback.accepted:
                break

    def end_leases(self):
        """As 10 s do."""
        self.service.rows("UPDATE credentials_lease SET ends_at = now() RETURNING id")

    def arrived_once(self, callback):
        assert (callback.accepted, callback.attempts, callback.problem) == (True, 1, None)
        assert len(self.outside.live()) == 1
        again, _ = self.put()
        assert (again.status, again.json()["credentials"]) == (201, callback.content["credentials"])


@contextmanager
def killable(tmp_path, *, slow, **settings):
    outside, label = Outside(tmp_path / "outside"), "slow" if slow else "quick"
    aliases = {"folder": {"BACKEND": BACKEND, "OPTIONS": {"folder": str(outside.folder)}}}
    environment = {"CREDENTIAL_ISSUERS": json.dumps(aliases)} | settings
    with own_database() as url, serving(url, **environment) as service:
        client = Client(secret=service.secret("manifold-client-secret"))
        with Connector(0, client) as connector:
            file = tmp_path / "set-up.yaml"
            file.write_text(SET_UP.format(url=connector.url, label=label, slow=str(slow).lower()))
            applied = service.manage("apply", str(file))
            assert applied.returncode == 0, applied.stdout + applied.stderr
            yield Killable(service, connector, outside, label)


def test_killed_after_the_promise(tmp_path):
    with killable(tmp_path, slow=True) as slow:
        reply, callback = slow.put()
        slow.service.kill()
        assert reply.status == 202
        slow.work(callback)
        slow.service.start()
        slow.arrived_once(callback)


def test_killed_while_the_work_goes_on_after_the_answer(tmp_path):
    with killable(tmp_path, slow=False, SYNCHRONOUS_SECONDS="1") as quick:
        quick.outside.fault("before-issue", "hang")
        reply, callback = quick.put()
        quick.service.kill()
        quick.outside.heal("before-issue")
        assert reply.status == 202
        quick.work(callback)
        quick.service.start()
        quick.arrived_once(callback)


def test_killed_while_the_issuer_is_called_the_request_is_made_again(tmp_path):
    with killable(tmp_path, slow=False) as quick:
        quick.outside.fault("after-issue", "kill")  # the web process that asks it, by its own hand
        with pytest.raises(NoReply):
            quick.put()
        quick.service.restart()
        quick.end_leases()
        reply, callback = quick.put()
        assert (reply.status, callback.attempts, len(quick.outside.live())) == (201, 0, 1)
