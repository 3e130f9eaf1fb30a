"""``python -m tests.bench.data FIRST LAST RESOURCES``: fill a set-up's database, values sealed as always.

Each of the installations from FIRST to before LAST has an end user, a grant and a stored credential of its own.
"""

import sys
import uuid
from collections.abc import Sequence

import django
from django.db import connection, transaction

from tests.bench.ids import INTEGRATION, end_user_id, installation_id, resource_id, value

CHUNK = 10_000
# Made by PostgreSQL: models would take three times as long, and there are a million of them.
_ADD = """
WITH new AS (
    SELECT * FROM unnest(%(users)s::uuid[], %(user_ids)s::text[], %(installation_ids)s::text[], %(lines)s::uuid[])
        AS new (id, end_user, installation, line)
), users AS (
    INSERT INTO exchange_enduser (id, platform_id, end_user_id, external_id, name, attributes, is_active, created_at)
    SELECT id, %(platform)s, end_user, end_user, '', '{}', true, now() FROM new
), installations AS (
    INSERT INTO exchange_installation
        (id, platform_id, integration_id, end_user_id, installation_id, state, attributes, created_at)
    SELECT gen_random_uuid(), %(platform)s, %(integration)s, id, installation, 'active', '{}', now() FROM new
)
INSERT INTO exchange_grant (id, integration_id, end_user_id, line, created_at)
SELECT gen_random_uuid(), %(integration)s, id, line, now() FROM new
"""


def main(first: int, last: int, resources: int) -> None:
    django.setup()
    for start in range(first, last, CHUNK):
        with transaction.atomic():
            _add_installations(range(start, min(start + CHUNK, last)))
    _add_resources(resources)


def _add_installations(numbers: Sequence[int]) -> None:
    from credservice.core.postgres_copy import copy_rows
    from credservice.credentials.models import Credential
    from credservice.credentials.transitions import value_digest
    from credservice.crypto import seal_values
    from exchange.models import Integration

    integration = Integration.objects.select_related("policy").get(integration_id=INTEGRATION)
    users = [uuid.uuid4() for _ in numbers]
    credentials = [Credential(policy=integration.policy, subject=f"end_user:{user}", state="active") for user in users]
    for number, credential in zip(numbers, credentials, strict=True):
        credential.line = credential.pk
        credential.sealed_values = seal_values({"apiKey": value(number)}, credential.place)
        credential.value_digests = [value_digest(value(number))]
    copy_rows(credentials)
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "users": users,
                "user_ids": [end_user_id(number) for number in numbers],
                "installation_ids": [installation_id(number) for number in numbers],
                "lines": [credential.line for credential in credentials],
                "platform": integration.platform_id,
                "integration": integration.pk,
            },
        )


def _add_resources(count: int) -> None:
    from credservice.core.postgres_copy import copy_rows
    from provisioning.models import Operation, Plan, Resource

    for product, label, region in (("bear", "ursa-minor", "all::global"), ("queue", "small", "")):
        plan = Plan.objects.select_related("product").get(product__label=product, label=label)
        resources = [
            Resource(
                marketplace_id=plan.product.marketplace_id,
                partner_id=resource_id(number),
                product=plan.product,
                plan=plan,
                region=region,
                request_fingerprint=b"of no request",
            )
            for number in range(count)
        ]
        copy_rows(resources)
    # What the platform polls: of each of its instances, which are the last.
    done = {"verb": "provision", "state": "succeeded", "message": "It is set up.", "fingerprint": b"of no request"}
    Operation.objects.bulk_create(Operation(resource=resource, **done) for resource in resources)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
