"""``python -m tests.bench.statements PATH BODY HEADERS``: POST in this process, print how many statements it sent."""

import json
import sys

import django


def main(path: str, body: str, headers: dict[str, str]) -> int:
    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    def post() -> int:
        content_type = headers.pop("Content-Type", "application/json")
        client = Client(SERVER_NAME="localhost", RAW_URI=path)
        return client.post(path, body, content_type=content_type, headers=headers).status_code

    # Once before: the data keys are read from the database at first use.
    statuses = [post()]
    with CaptureQueriesContext(connection) as captured:
        statuses.append(post())
    if statuses != [200, 200]:
        raise SystemExit(f"The exchange was answered {statuses}.")
    return len(captured)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
