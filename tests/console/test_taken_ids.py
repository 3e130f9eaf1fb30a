"""An id that another row has is refused at its field, with the other's name for who may look at it."""

import copy
import re
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission, User
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Q, UniqueConstraint
from django.db.models.base import ModelState
from django.forms.utils import ErrorDict
from django.test import Client, RequestFactory

from credservice.keys.signing_keys import generate_signing_key
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token
from exchange.models import EndUser, Grant, Installation, Platform
from tests.support.console import World
from tests.support.pages import attributes, send, url


def refused(client: Client, address: str, **values: Any) -> Any:
    return send(client, address, **values).context["adminform"].form.errors


def new_end_user(world: World, **values: str) -> dict[str, Any]:
    return {"platform": str(world.platform.pk), "end_user_id": "eu_2", **attributes(), **values}


def test_another_end_users_own_id(console: Client, world: World) -> None:
    errors = refused(console, url(EndUser, "add"), **new_end_user(world, external_id="acme"))
    assert list(errors) == ["external_id"]
    (sentence,) = errors["external_id"]
    assert re.sub("<[^>]*>", "", sentence) == "The end user acme of this platform has this already: write another."
    assert url(world.end_user) in sentence
    assert EndUser.objects.count() == 1


def test_two_without_an_own_id_are_two(console: Client, world: World) -> None:
    assert send(console, url(EndUser, "add"), **new_end_user(world, external_id="")).status_code == 302
    again = new_end_user(world, external_id="", end_user_id="eu_3")
    assert send(console, url(EndUser, "add"), **again).status_code == 302


def test_who_may_not_look_is_not_told_whose(only_adding: Client, world: World) -> None:
    errors = refused(only_adding, url(EndUser, "add"), **new_end_user(world, end_user_id="eu_1"))
    assert errors == {"end_user_id": ["Another end user of this platform has this already: write another."]}


@pytest.fixture
def only_adding(db: None) -> Client:
    """One who may add end users, and look at none."""
    user = User.objects.create_user("adder", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_enduser", "view_platform"]))
    client = Client()
    client.force_login(user)
    return client


# These depend on what the forms do not ask for, so that they check it themselves: a token's name, a key's algorithm.
OTHERWISE = {
    "keys_signingkey_one_current",
    "keys_signingkey_one_pending",
    "vendor_api_servicetoken_live_name",
}


def test_no_constraint_of_any_form_is_told_by_its_name(world: World, console: Client, admin: User) -> None:
    """Every unique constraint of every list that rows can be added to: a row that is there, once more."""
    create_token(name="backend", scopes=[Scope.READ_SETUP], actor="test")
    generate_signing_key(algorithm="EdDSA", actor="test")
    generate_signing_key(algorithm="EdDSA", actor="test")  # waits for its time
    Platform.objects.update(is_default=True)
    request = RequestFactory().get("/")
    request.user = admin
    told: dict[str, dict[str, list[str]]] = {}
    silent: set[str] = set()
    for model, site_admin in site._registry.items():
        unique = [each for each in model._meta.constraints if isinstance(each, UniqueConstraint)]
        is_asked = site_admin.has_add_permission(request) and model is not Grant  # its form is none of a model's
        for constraint in unique if is_asked else ():
            errors = once_more(site_admin.get_form(request), model, constraint)
            told |= {constraint.name: errors} if errors else {}
            silent |= set() if errors else {constraint.name}
    assert silent == OTHERWISE
    for name, errors in told.items():
        assert NON_FIELD_ERRORS not in errors, name
        for (sentence,) in errors.values():
            assert "has this already: write another." in sentence
            assert name not in sentence


def once_more(form_class: Any, model: Any, constraint: UniqueConstraint) -> Any:
    """Check a new row that has, in what is to be unique, the values of one that is there."""
    row = copy.copy(model._default_manager.filter(constraint.condition or Q()).first())
    row.pk, row._state = None, ModelState()
    form = form_class(instance=row)
    form.cleaned_data, form._errors = dict.fromkeys(form.fields, "typed"), ErrorDict()
    try:
        row.validate_constraints(exclude=form._get_validation_exclusions())
    except ValidationError as error:
        form._update_errors(error)
    return {name: list(sentences) for name, sentences in form.errors.items()}


def test_another_customers_installation_is_named(console: Client, world: World) -> None:
    other = EndUser.objects.create(platform=world.platform, end_user_id="eu_2")
    values = {"integration": str(world.integration.pk), "end_user": str(other.pk), "installation_id": "inst_1"}
    errors = refused(console, url(Installation, "add"), **values, **attributes())
    assert list(errors) == ["installation_id"]
    assert "of this platform has this already: write another." in errors["installation_id"][0]
    assert Installation.objects.count() == 1
