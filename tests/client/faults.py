"""A service that gives the answers that a test wants of it."""

import json

from tests.support.http_server import Answer

TOKEN = "cst_v1_token-that-must-never-show"
END_USER = {
    "id": "1",
    "platform": "mindcloud",
    "external_id": "c",
    "end_user_id": "e",
    "name": "",
    "attributes": {},
    "state": "active",
    "created_at": "2026-11-21T00:00:00Z",
    "a_field_of_a_later_version": [1],
}
GOOD = Answer(200, json.dumps(END_USER).encode(), {"Content-Type": "application/json", "ETag": '"tag"'})


def refusal(status: int, code: str, **headers: str) -> Answer:
    document = {"type": f"urn:credservice:problem:{code}", "title": "T", "status": status, "detail": "D"}
    content = json.dumps(document | {"request_id": "r1"}).encode()
    return Answer(status, content, {"Content-Type": "application/problem+json"} | headers)
