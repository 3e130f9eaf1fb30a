"""``python -m tests.bench.data INSTALLATIONS RESOURCES``: fill a set-up's database by COPY, values sealed as always.

Each installation has an end user, a grant and a stored credential of its own. Ids are numbered, so that a load
generator can name any of them.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from django.db import models

CHUNK = 10_000


def end_user_id(number: int) -> str:
    return f"enduser_bench_{number}"


def installation_id(number: int) -> str:
    return f"install_bench_{number}"


def resource_id(number: int) -> str:
    return f"2686c96868emyj61cgt2{number:09d}"


def main(installations: int, resources: int) -> None:
    django.setup()
    for first in range(0, installations, CHUNK):
        for rows in _exchange_rows(range(first, min(first + CHUNK, installations))):
            _copy(rows)
    _copy(list(_resources(resources)))
    _analyze()


def _exchange_rows(numbers: Iterable[int]) -> "Iterator[Sequence[models.Model]]":
    from credservice.credentials.models import Credential
    from credservice.credentials.steps import value_digest
    from credservice.crypto import seal_values
    from exchange.models import EndUser, Grant, Installation, Integration

    integration = Integration.objects.select_related("platform", "policy").get(integration_id="int_abc123")
    platform = integration.platform
    users = [EndUser(platform=platform, end_user_id=end_user_id(n), external_id=f"bench-{n}") for n in numbers]
    credentials = [Credential(policy=integration.policy, subject=user.subject, state="active") for user in users]
    for number, credential in zip(numbers, credentials, strict=True):
        value = f"value-of-installation-{number}"
        credential.line = credential.pk
        credential.sealed_values = seal_values({"apiKey": value}, credential.place)
        credential.value_digests = [value_digest(value)]
    yield users
    yield credentials
    yield [
        Installation(platform=platform, integration=integration, end_user=user, installation_id=installation_id(n))
        for n, user in zip(numbers, users, strict=True)
    ]
    yield [
        Grant(integration=integration, end_user=user, line=credential.line)
        for user, credential in zip(users, credentials, strict=True)
    ]


def _resources(count: int) -> "Iterator[models.Model]":
    from provisioning.models import Plan, Resource

    plan = Plan.objects.select_related("product").get(product__label="bear", label="ursa-minor")
    for number in range(count):
        yield Resource(
            marketplace_id=plan.product.marketplace_id,
            partner_id=resource_id(number),
            product=plan.product,
            plan=plan,
            region="all::global",
            request_fingerprint=b"of no request",
        )


def _copy(rows: "Sequence[models.Model]") -> None:
    from django.db import connection

    table = rows[0]._meta
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in table.concrete_fields)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table.db_table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(
                [field.get_db_prep_save(field.pre_save(row, True), connection) for field in table.concrete_fields]
            )


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
