"""An authenticator's secrets at rest."""

import base64

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from credservice.accounts.sealing import seal_text, unseal_text
from credservice.crypto import SealError
from credservice.crypto.inspection import open_all
from tests.accounts.conftest import SECOND_STEP, sign_in, totp


def rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        return str(cursor.fetchall())


def test_the_secret_is_not_in_the_database(app: str):
    assert app not in rows()
    assert base64.b64encode(app.encode()).decode() not in rows()


def test_the_seed_of_recovery_codes_is_sealed(app: str):
    row = Authenticator.objects.get(type="recovery_codes")
    assert row.data["seed"] not in unseal_text(row.data["seed"])
    assert len(unseal_text(row.data["seed"])) == 80


def test_the_secret_of_another_user_does_not_open(app: str, admin: User):
    other = User.objects.create_user("other")
    Authenticator.objects.filter(type="totp").update(user=other)
    with pytest.raises(SealError):
        unseal_text(Authenticator.objects.get(type="totp").data["secret"])


def test_a_secret_of_another_user_is_not_saved(app: str):
    other = User.objects.create_user("other")
    with pytest.raises(SealError):
        Authenticator.objects.create(user=other, type="totp", data=Authenticator.objects.get(type="totp").data)


@pytest.mark.parametrize("plain", ["JBSWY3DPEHPK3PXP", "", "AAAA"])
def test_a_plain_secret_is_not_saved(admin: User, plain: str):
    with pytest.raises(SealError):
        Authenticator.objects.create(user=admin, type="totp", data={"secret": plain})


def test_a_text_without_its_row_does_not_open(admin: User):
    with pytest.raises(SealError):
        unseal_text(str(seal_text("secret", admin.pk)))


def test_check_sealed_opens_them(app: str):
    *_, report = open_all()
    assert not report.failed
    Authenticator.objects.filter(type="totp").update(user=User.objects.create_user("other"))
    *_, report = open_all()
    assert sum(report.failed.values()) == 1


def test_a_secret_that_does_not_open_lets_nobody_in(app: str, admin: User):
    row = Authenticator.objects.get(type="totp")
    Authenticator.objects.filter(pk=row.pk).update(data={"secret": str(seal_text(app, 0))})
    client = Client(raise_request_exception=False)
    sign_in(client)
    client.post(SECOND_STEP, {"code": totp(app)})
    assert client.get("/admin/").status_code == 302
