"""Looks from outside whether all is as it must be: by the partners' own requests, by SQL, and at the vendor's."""

import json
import time
from collections.abc import Iterable
from datetime import datetime

from tests.drill.figures import HALVES, LOST, OUTSIDE, PROMISES, SEALS, TRAIL, Figures
from tests.drill.ledger import EndUser, Ledger, Order, Promise
from tests.drill.load import Partners, check_history
from tests.drill.vendor import Vendor
from tests.support.live import LiveService

# What is done in one transaction, and is a half where one part is there without the other. Each selects ids; rows
# from before the time given have been looked at.
_HALVES = {
    "a binding without its credential": """
        SELECT b.partner_id FROM provisioning_resourcecredential b
        WHERE NOT EXISTS (SELECT FROM credentials_credential c WHERE c.id = b.credential_id)""",
    "a credential of a resource without its binding": """
        SELECT c.id FROM credentials_credential c WHERE created_at >= %s AND subject LIKE 'resource:%%'
        AND NOT EXISTS (SELECT FROM provisioning_resourcecredential b WHERE b.credential_id = c.line)""",
    "a credential of an end user without its grant": """
        SELECT c.id FROM credentials_credential c WHERE created_at >= %s AND subject LIKE 'end_user:%%'
        AND NOT EXISTS (SELECT FROM exchange_grant g WHERE g.line = c.line)""",
    "a grant without its credential": """
        SELECT g.id FROM exchange_grant g
        WHERE NOT EXISTS (SELECT FROM credentials_credential c WHERE c.id = g.line)""",
    "an end user with credentials of two first exchanges": """
        SELECT subject FROM credentials_credential WHERE subject LIKE 'end_user:%%'
        GROUP BY subject HAVING count(DISTINCT line) > 1""",
    "a credential with two successors": """
        SELECT predecessor_id FROM credentials_credential WHERE predecessor_id IS NOT NULL
        GROUP BY predecessor_id HAVING count(*) > 1""",
    "a credential that failed, though nothing refused it": """
        SELECT id FROM credentials_credential WHERE created_at >= %s AND state = 'failed'""",
    "a resource credential that was removed, and whose credential goes on": """
        SELECT b.partner_id FROM provisioning_resourcecredential b
        JOIN credentials_credential c ON c.line = b.credential_id
        WHERE b.deprovisioned_at IS NOT NULL AND c.state IN ('pending', 'active', 'retiring')""",
}
_TRAIL = {
    "a credential that was made without saying so": """
        SELECT c.id FROM credentials_credential c WHERE created_at >= %s AND activated_at IS NOT NULL AND NOT EXISTS
        (SELECT FROM audit_auditevent a WHERE a.action = 'credential.issued' AND a.object_id = c.id::text)""",
    "a credential that ended without saying so": """
        SELECT c.id FROM credentials_credential c WHERE ended_at >= %s AND NOT EXISTS
        (SELECT FROM audit_auditevent a WHERE a.action IN ('credential.revoked', 'credential.expired')
        AND a.object_id = c.id::text)""",
    "a line without its credential": """
        SELECT a.object_id FROM audit_auditevent a WHERE at >= %s AND action = 'credential.issued'
        AND NOT EXISTS (SELECT FROM credentials_credential c WHERE c.id::text = a.object_id)""",
}
_LIVE = """
    SELECT c.id::text FROM credentials_credential c JOIN credentials_credentialpolicy p ON p.id = c.policy_id
    WHERE p.issuer = 'drill' AND c.state IN ('active', 'retiring')"""


def check_database(service: LiveService, figures: Figures, since: datetime) -> None:
    for kind, statements in ((HALVES, _HALVES), (TRAIL, _TRAIL)):
        for name, statement in statements.items():
            parameters = [since] * statement.count("%s")
            for (found,) in service.rows(statement if parameters else statement.replace("%%", "%"), *parameters):
                figures.found(kind, f"{name}: {found}")


def check_handed_out(service: LiveService, ledger: Ledger, figures: Figures, since: datetime) -> None:
    """Look for the line of each answer with values since the last look: by its request's id, which the line has."""
    told = {found for (found,) in service.rows("SELECT request_id FROM audit_auditevent WHERE at >= %s", since)}
    figures.count("answers with values", number=len(ledger.handed_out))
    for request_id in set(ledger.handed_out) - told:
        figures.found(TRAIL, f"an answer with values without a line: request {request_id}")
    ledger.handed_out.clear()


def check_outside(service: LiveService, vendor: Vendor, figures: Figures) -> None:
    """Compare what lives at the vendor's with what the service believes to live there."""
    inside, outside = {found for (found,) in service.rows(_LIVE)}, vendor.live()
    for credential_id in outside - inside:
        figures.found(OUTSIDE, f"credential {credential_id} lives outside, and has ended or never was inside")
    for credential_id in inside - outside:
        figures.found(OUTSIDE, f"credential {credential_id} lives inside, and not outside")


def check_promises(ledger: Ledger, figures: Figures) -> None:
    """Look at the callbacks since the last look, and take what they told for answers."""
    for promise in ledger.promises:
        if promise.fault:
            figures.found(PROMISES, f"{promise.what}: {promise.fault}")
        elif promise.callback.accepted:
            figures.count("callbacks")
            figures.count("callbacks told again, with the same bytes", number=promise.callback.attempts - 1)
            _take(promise)
    ledger.promises.clear()


def _take(promise: Promise) -> None:
    content, now = promise.callback.content, time.monotonic()
    for order in promise.orders:
        if "credentials" in content:
            order.history.answered(json.dumps(content["credentials"], sort_keys=True), now, now)
        else:
            order.removed = True


def check_end_user(partners: Partners, figures: Figures, user: EndUser) -> bool:
    """Ask once more what was answered before. Returns whether there was an answer."""
    if not user.history:
        return True  # nothing was acknowledged
    if not partners.exchange(user, "check by exchange"):
        return False
    check_history(figures, f"end user {user.name} of {user.integration}", user.history)
    current = partners.current(user) if user.credential else user.credential
    if current is not None and current != user.credential:
        figures.found(LOST, f"the rotation of {user.name} to {user.credential} was acknowledged, and is gone")
    return current is not None


def check_order(partners: Partners, figures: Figures, order: Order) -> bool:
    if not (order.history or order.removed):
        return True
    if not partners.put(order, "check by PUT"):
        return False
    check_history(figures, f"credential {order.id}", order.history)
    return True


def check_seals(service: LiveService, figures: Figures) -> None:
    """Open everything that is sealed, and hash the whole trail anew."""
    for command in (["check_sealed"], ["verify_audit"]):
        done = service.manage(*command, timeout=600)
        if done.returncode:
            figures.found(SEALS, f"{command[0]} ends with {done.returncode}: {_end_of(done.stdout, done.stderr)}")


def _end_of(*texts: str) -> str:
    return " / ".join(line for text in texts for line in text.splitlines()[-3:])


def all_of(ledger: Ledger) -> Iterable[EndUser | Order]:
    yield from ledger.end_users
    yield from ledger.orders
