"""Lists the kinds of events, each with the sentence that the console and docs/events.md show."""

PING = "ping"

TYPES = {
    "credential.issued": "The first credential of a line is made and can be handed out.",
    "credential.rotated": "A successor took over; its predecessor ends after the overlap.",
    "credential.revoked": "A credential has ended here; `outside` tells what may be left of it outside.",
    "credential.expired": "A credential's own expiry has ended it here; `outside` tells what may be left outside.",
    "credential.end_confirmed": "What may have been left of a credential outside has ended there, as is now confirmed.",
    "credential.leaked": (
        "A credential was reported as leaked, or another one with a secret of it. One that is `active`, or `retiring` "
        "without a newer one, is handed out until you rotate it as leaked."
    ),
    "credential.expiring": "A credential expires soon and nothing will renew it before. Once for each.",
    "credential.issue_failed": "An attempt to make a credential failed; `final` tells whether it is tried again.",
    "credential.issue_recovered": "A credential whose making had failed is made.",
    "credential.revocation_stuck": "Ending a credential outside keeps failing. It is tried on; somebody should look.",
    "installation.discovered": "The first exchange of an installation recorded it.",
    "installation.waiting_for_approval": "An installation is refused until somebody approves it.",
    "installation.approved": "An installation was approved.",
    "resource.provisioned": "A marketplace's resource is there.",
    "resource.changed": "A resource is on another plan, or has other features.",
    "resource.deprovisioned": "A resource is gone, and every credential of it has ended here.",
    "attention.changed": (
        "Something came to need attention, or does no longer. Each kind is told once an hour at most, its end included."
    ),
    PING: "A test that an operator or the vendor asked for. Sent whatever types an endpoint takes.",
}
# What an endpoint may choose from.
SUBSCRIBABLE = tuple(sorted(name for name in TYPES if name != PING))
