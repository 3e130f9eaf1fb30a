"""A response shape, edited with its answer beside it."""

import json
from datetime import timedelta

import pytest

from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
from exchange.admin.accepted_answers import ask_for_tick
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.dry_run import MASK
from exchange.services.grants import usable_of
from tests.support.pages import send, url

COLUMNS = ("field", "kind", "text")
ACCEPTED = {"different": 1, "unanswered": 0, "not_all_looked_at": 0}
CHANGED = {"changes": {"response_shape": {}}, "accepted_changed_answers": ACCEPTED}
SHAPE = '{"token": "$credential.apiKey", "tenant": "$end_user.external_id"}'


def previewed(console, world, text):
    return console.post(url(world.integration, "shape"), {"preview": "1", "response_shape": text}).json()


def test_the_preview_shows_the_answer_without_its_secret(world, console):
    found = previewed(console, world, SHAPE)
    answer = found["answer"]
    assert MASK in answer
    assert "<code>tenant</code> is new." in found["notes"]
    assert "acme" in answer
    assert Integration.objects.get(pk=world.integration.pk).response_shape == {"apiKey": "$credential.apiKey"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not valid JSON"),
        ("", "Write a JSON object of fields, such as"),
        ("{}", "Write a JSON object of fields, such as"),
        ('{"": "x"}', "Write the name of each field."),
        ('{"a\u202eb": "x"}', "The name “a?b” holds a line break, an invisible character"),
        ('{"a": "$credential.none"}', "no value named none"),
        ('{"a": "$end_user.region"}', "the customer has no attribute 'region'"),
        ("[1]", "JSON object"),
    ],
)
def test_the_preview_says_what_is_wrong(world, console, text, problem):
    assert problem in previewed(console, world, text)["problem"]


def rows(*cells):
    """Make what the table sends: of each field its name, what it holds, and its text."""
    columns = zip(*cells, strict=True)
    return {f"response_shape-{name}": list(column) for name, column in zip(COLUMNS, columns, strict=True)}


def test_it_is_edited_as_the_table_of_the_first_steps(world, console, trail):
    form = console.get(url(world.integration, "shape")).context["form"]
    assert form["response_shape"].value() == [("apiKey", "credential", "")]
    table = rows(("token", "credential", "apiKey"), ("tenant", "end_user", "external_id"), ("plan", "text", "$5"))
    before = {"before": seen(console, world.integration)}
    answer = console.post(url(world.integration, "shape"), table | {"preview": "1"}).json()["answer"]
    assert json.loads(answer) == {"token": MASK, "tenant": "acme", "plan": "$5"}

    page = send(console, url(world.integration, "shape"), **table, **before)
    assert "inst_1" in page.context["form"].fields["confirmed"].help_text
    assert page.context["form"]["response_shape"].value()[2] == ("plan", "text", "$5")
    assert Integration.objects.get(pk=world.integration.pk).response_shape == {"apiKey": "$credential.apiKey"}

    tick = page.context["form"].fields["confirmed"].widget.attrs["value"]
    assert send(console, url(world.integration, "shape"), **table, **before, confirmed=tick).status_code == 302
    saved = Integration.objects.get(pk=world.integration.pk).response_shape
    assert saved == {"token": "$credential.apiKey", "tenant": "$end_user.external_id", "plan": "$$5"}
    assert trail.one(action="integration.changed").detail == CHANGED


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("", "text", "eu"), "Write the name of each field."),
        (("a b", "text", "eu"), "“a b” is not a name"),
        (("a" * 300, "text", "eu"), "is too long: a name has at most 64 characters, and this has 300."),
        (("token", "credential", ""), "the policy makes no value named token; it makes apiKey"),
        (("region", "end_user", "region"), "the customer has no attribute 'region'"),
    ],
)
def test_the_table_says_what_is_wrong(world, console, cells, problem):
    answer = console.post(url(world.integration, "shape"), rows(cells) | {"preview": "1"}).json()
    assert problem in answer["problem"]


def test_the_preview_has_the_order_in_which_it_is_sent(world, console):
    names = ("token", "z", "ä", "plan", "kind", "apiKeyOfOurs")
    shape = dict.fromkeys(names, "a text")
    shown = json.loads(previewed(console, world, json.dumps(shape))["answer"])
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape)
    assert list(shown) == list(Integration.objects.get(pk=world.integration.pk).response_shape)
    assert list(shown) != list(names)


def test_the_expert_edits_it_as_json(world, console):
    page = console.get(url(world.integration, "shape")).content.decode()
    assert 'href="?view=json"' in page
    form = console.get(url(world.integration, "shape"), {"view": "json"}).context["form"]
    assert json.loads(form["response_shape"].value()) == {"apiKey": "$credential.apiKey"}


def test_what_the_table_cannot_show_is_edited_as_json(world, console):
    shape = {"apiKey": "$credential.apiKey", "region": "$installation.region"}
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape)
    page = console.get(url(world.integration, "shape"))
    assert json.loads(page.context["form"]["response_shape"].value()) == shape
    assert "Edit in a table" not in page.content.decode()


def test_the_answer_on_the_page_leads_to_its_form(world, console):
    page = "".join(console.get(url(world.integration)).content.decode().split())
    assert "<code>apiKey</code></dt><dd>Customer&#x27;ssecret:<code>apiKey</code>" in page
    assert page.count(f'href="{url(world.integration, "shape")}"') == 2  # on top, and beside the answer


def test_the_preview_says_what_the_check_will_say_of_another_policy(world, console):
    wider = CredentialPolicy.objects.create(name="wider", issuer="static", options={"names": ["apiKey", "tenant"]})
    both = '{"apiKey": "$credential.apiKey", "tenant": "$credential.tenant"}'
    chosen = {"preview": "1", "response_shape": both, "policy": wider.pk}
    found = console.post(url(world.integration, "shape"), chosen).json()
    assert found["problem"] == (
        "The credential that inst_1 is handed now has no value tenant. One that the policy wider makes has it: rotate "
        "the present one, or replace its values."
    )
    foretold = saved(console, world, both, policy=wider.pk).context["form"].fields["confirmed"].help_text
    assert "inst_1" in found["notes"][0]
    assert all(f"<div>{note}</div>" in foretold for note in found["notes"])


def test_the_preview_chooses_the_credential_as_an_exchange_does(world, console):
    chosen = {"preview": "1", "response_shape": '{"apiKey": "$credential.apiKey"}', "policy": world.policy.pk}
    found = console.post(url(world.integration, "shape"), chosen).json()
    assert json.loads(found["answer"]) == {"apiKey": MASK}
    assert found["notes"] == ["Shown with the credential that inst_1 is handed now."]
    Grant.objects.all().delete()
    both = '{"apiKey": "$credential.API_KEY"}'
    chosen |= {"response_shape": both, "policy": world.key_policy.pk}
    found = console.post(url(world.integration, "shape"), chosen).json()
    assert json.loads(found["answer"]) == {"apiKey": MASK}
    assert found["notes"][0] == "Shown with a credential of the policy keys."


def test_who_lacks_what_is_linked_and_what_to_do_is_said(world, console):
    world.end_user.name = "<b>Acme</b>"
    world.end_user.save()
    text = '{"apiKey": "$credential.apiKey", "plan": "$end_user.plan", "<i>": "x"}'
    note = (
        f'<a class="text-link" href="{url(world.end_user)}#field-attributes" target="_blank" rel="noopener">'
        "&lt;b&gt;Acme&lt;/b&gt;</a>"
    )
    foretold = saved(console, world, text).context["form"].fields["confirmed"].help_text
    assert "1 installation would get no answer: inst_1 (the customer has no attribute plan)." in foretold
    assert f"Add the attribute plan first, on the page of {note}." in foretold
    assert "<b>" not in foretold
    assert f"Add the attribute plan first, on the page of {note}." in previewed(console, world, text)["notes"]


def test_a_renamed_field_is_told_how(world, console):
    told = "To rename a field, send it under both names until the platform reads the new one."
    foretold = saved(console, world, '{"key": "$credential.apiKey"}').context["form"].fields["confirmed"].help_text
    assert told in foretold
    both = '{"apiKey": "$credential.apiKey", "key": "$credential.apiKey"}'
    assert told not in saved(console, world, both).context["form"].fields["confirmed"].help_text


def test_beyond_the_first_few_all_are_listed_behind_their_number(world, console):
    made = Integration.objects.create(
        platform=world.platform, integration_id="int_made", policy=world.key_policy, response_shape={"region": "eu"}
    )
    customers = [EndUser(platform=world.platform, end_user_id=f"many_{n}", name=f"Many {n}") for n in range(7)]
    for n, customer in enumerate(EndUser.objects.bulk_create(customers)):
        Installation.objects.create(
            platform=world.platform, integration=made, end_user=customer, installation_id=f"inst_many_{n}"
        )
    sent = {"response_shape": '{"plan": "$end_user.plan"}', "before": seen(console, made)}
    foretold = send(console, url(made, "shape"), **sent).context["form"].fields["confirmed"].help_text
    assert "7 installations would get no answer: " in foretold
    assert "and 2 more</summary>" in foretold
    assert "All that would get no answer</summary>" in foretold
    assert all(f"{url(customer)}#field-attributes" in foretold for customer in customers)
    folded = foretold.partition("All that would get no answer")[2]
    assert all(f"inst_many_{n} (the customer has no attribute plan)" in folded for n in range(7))


def test_it_is_saved(world, console, trail):
    confirmed(console, world)
    assert sorted(Integration.objects.get(pk=world.integration.pk).response_shape) == ["tenant", "token"]
    assert trail.one(action="integration.changed").detail == CHANGED


def test_somebody_elses_change_is_told_and_overwritten_by_a_second_save_alone(world, console, trail):
    before = seen(console, world.integration)
    Integration.objects.update(response_shape={"theirs": "$credential.apiKey"})
    form = lost(console, world, before)
    assert form["response_shape"].value() == SHAPE
    assert confirmed(console, world, before=form["before"].value()).status_code == 302
    assert sorted(Integration.objects.get().response_shape) == ["tenant", "token"]
    assert trail.one(action="integration.changed").detail == CHANGED


def test_a_change_in_the_moment_of_the_save_is_told_and_the_second_save_is_good(world, console, monkeypatch):
    before = seen(console, world.integration)
    tick = saved(console, world).context["form"].fields["confirmed"].widget.attrs["value"]

    def beaten(*args):
        Integration.objects.update(response_shape={"theirs": "$credential.apiKey"})
        return ask_for_tick(*args)

    with monkeypatch.context() as patched:
        patched.setattr("exchange.admin.shapes.ask_for_tick", beaten)
        form = lost(console, world, before, confirmed=tick)
    assert confirmed(console, world, before=form["before"].value()).status_code == 302
    assert sorted(Integration.objects.get().response_shape) == ["tenant", "token"]


def test_another_policy_that_somebody_else_chose_is_told(world, console):
    before = seen(console, world.integration)
    wider = CredentialPolicy.objects.create(name="wider", issuer="static", options={"names": ["apiKey", "tenant"]})
    Integration.objects.update(policy=wider)
    kept = '{"apiKey": "$credential.apiKey"}'
    page = saved(console, world, kept, policy=world.policy.pk, before=before)
    assert "with the policy wider." in page.content.decode()
    again = page.context["form"]["before"].value()
    assert confirmed(console, world, kept, policy=world.policy.pk, before=again).status_code == 302
    assert Integration.objects.get().policy == world.policy


def lost(console, world, before, **values):
    """Save what somebody else has changed meanwhile: nothing is saved. Returns the form that comes back."""
    page = saved(console, world, before=before, **values)
    (problem,) = page.context["form"].non_field_errors()
    assert 'Somebody else has changed the answer since you opened this page. It is now {"theirs":' in problem
    assert list(Integration.objects.get().response_shape) == ["theirs"]
    return page.context["form"]


def test_a_shape_that_cannot_be_filled_is_not_saved(world, console):
    saved(console, world, '{"a": "$credential.no"}')
    assert "apiKey" in Integration.objects.get(pk=world.integration.pk).response_shape


def seen(console, integration):
    """Open the page. Returns what its form says was there then."""
    return console.get(url(integration, "shape")).context["form"]["before"].value()


def saved(console, world, shape=SHAPE, **values):
    """Send the form as it was opened."""
    before = {"before": seen(console, world.integration)}
    return send(console, url(world.integration, "shape"), response_shape=shape, **before | values)


def confirmed(console, world, shape=SHAPE, **values):
    """Save it, and tick what is asked then."""
    asked = saved(console, world, shape, **values).context["form"].fields["confirmed"]
    return saved(console, world, shape, confirmed=asked.widget.attrs["value"], **values)


def test_who_is_answered_differently_is_said_before_it_is_saved(world, console):
    page = saved(console, world).content.decode()
    assert "1 installation would be answered differently: inst_1." in page
    assert "<div><code>apiKey</code> is no longer sent.</div>" in page
    assert "<div><code>token</code> is new.</div><div><code>tenant</code> is new.</div>" in page
    assert "Nothing is saved yet" in page
    assert Integration.objects.get(pk=world.integration.pk).response_shape == {"apiKey": "$credential.apiKey"}


def test_a_guess_at_a_value_is_not_told_from_others(world, console):
    value = world.credential.open()["apiKey"]
    for guess in (value, f"not {value}"):
        page = saved(console, world, json.dumps({"apiKey": guess})).content.decode()
        assert "1 installation would be answered differently: inst_1." in page


def test_a_shape_that_some_cannot_fill_is_saved_with_a_tick_alone(world, console):
    world.make_installation("inst_2")
    type(world.installation).objects.filter(installation_id="inst_2").update(attributes={"region": "eu"})
    shape = '{"apiKey": "$credential.apiKey", "region": "$installation.region"}'
    page = saved(console, world, shape).content.decode()
    assert "1 installation would get no answer: inst_1 (the installation has no attribute region)." in page
    assert "1 installation would be answered differently: inst_2." in page
    assert "<code>region</code> is new." in page
    assert confirmed(console, world, shape).status_code == 302
    assert "region" in Integration.objects.get(pk=world.integration.pk).response_shape


def test_who_is_answered_nothing_today_loses_nothing(world, console):
    lacking = {"apiKey": "$credential.apiKey", "region": "$installation.region"}
    Integration.objects.update(response_shape=lacking)
    assert saved(console, world).status_code == 302


def test_a_tick_is_good_for_what_it_was_set_beside_alone(world, console):
    tick = saved(console, world).context["form"].fields["confirmed"].widget.attrs["value"]
    other = '{"region": "$installation.region"}'
    page = saved(console, world, other, confirmed=tick)
    assert "Nothing is saved yet" in page.content.decode()
    assert not page.context["form"]["confirmed"].value()


def test_a_tick_is_not_good_for_another_shape_of_which_the_same_is_said(world, console):
    asked = saved(console, world, '{"apiKey": "one text"}')
    tick = asked.context["form"].fields["confirmed"].widget.attrs["value"]
    page = saved(console, world, '{"apiKey": "another text"}', confirmed=tick)
    assert "Nothing is saved yet" in page.content.decode()
    assert saved(console, world, '{"apiKey": "one text"}', confirmed=tick).status_code == 302


def test_a_shape_that_says_the_same_is_saved_at_once(world, console, trail):
    assert saved(console, world, '{"apiKey":"$credential.apiKey"}').status_code == 302
    assert trail.all(action="integration.changed") == []


def test_only_the_newest_installations_are_looked_at(world, console, monkeypatch):
    monkeypatch.setattr("exchange.services.answer_impact.MAX_LOOKED_AT", 1)
    world.make_installation("inst_2")
    page = saved(console, world).content.decode()
    assert "answered differently: inst_2." in page
    assert "only the newest 1 were looked at" in page


def test_a_tick_is_asked_for_where_not_all_were_looked_at(world, console, trail, monkeypatch):
    monkeypatch.setattr("exchange.services.answer_impact.MAX_LOOKED_AT", 1)
    world.make_installation("inst_2")
    Grant.objects.update(installation=world.installation)  # the newest gets no answer today
    page = saved(console, world)
    sentence = "There are more installations: only the newest 1 were looked at."
    assert page.context["form"].fields["confirmed"].help_text == f"<div>{sentence}</div>"
    assert confirmed(console, world).status_code == 302
    accepted = trail.one(action="integration.changed").detail["accepted_changed_answers"]
    assert accepted == {"different": 0, "unanswered": 0, "not_all_looked_at": 1}
    same = '{"token":"$credential.apiKey","tenant":"$end_user.external_id"}'
    assert saved(console, world, same).status_code == 302


def test_replaced_values_follow_a_new_policy_without_an_outage(world, console, trail):
    wider = CredentialPolicy.objects.create(name="wider", issuer="static", options={"names": ["apiKey", "tenant"]})
    kept = '{"apiKey": "$credential.apiKey"}'
    page = saved(console, world, kept, policy=wider.pk).content.decode()
    assert "From now on, apiKey and tenant have to be entered for each customer" in page
    assert confirmed(console, world, kept, policy=wider.pk).status_code == 302  # no customer notices
    change = trail.one(action="integration.changed").detail["changes"]
    assert change == {"policy": {"from": str(world.policy.pk), "to": str(wider.pk)}}

    both = '{"apiKey": "$credential.apiKey", "tenant": "$credential.tenant"}'
    page = saved(console, world, both, policy=wider.pk).content.decode()
    assert "1 installation would get no answer: inst_1 (its credential has no value tenant)." in page

    page = console.get(url(world.credential, "replace")).content.decode()
    assert "on the policy wider now" in page
    send(console, url(world.credential, "replace"), value_0="new-key", value_1="t-1", overlap="policy")
    world.credential.refresh_from_db()
    assert world.credential.state == "retiring"
    successor = world.credential.successors.get()
    assert (successor.policy, successor.open()) == (wider, {"apiKey": "new-key", "tenant": "t-1"})
    assert usable_of(world.grant) == successor
    page = saved(console, world, both, policy=wider.pk).content.decode()
    assert "1 installation would be answered differently" in page


def test_grant_leads_to_the_credential_that_is_there(world, console):
    chosen = {"integration": world.integration.pk, "end_user": world.end_user.pk, "installation": ""}
    page = console.get(url(Grant, "add"), chosen, follow=True)
    assert page.redirect_chain[-1][0] == url(world.credential)
    assert "is granted this credential for int_1 already" in page.content.decode()


def test_the_preview_shows_an_installation_that_is_answered(console, world):
    other = EndUser.objects.create(platform=world.platform, end_user_id="eu_2", attributes={"region": "eu"})
    newest = world.make_installation("inst_2")
    Installation.objects.filter(pk=newest.pk).update(end_user=other)  # nothing is granted to it
    text = '{"key": "$credential.apiKey", "id": "$end_user.external_id"}'
    assert json.loads(previewed(console, world, text)["answer"]) == {"id": "acme", "key": MASK}
    assert "the credential that inst_1 is handed" in previewed(console, world, text)["notes"][0]
    Installation.objects.filter(pk=world.installation.pk).update(state="suspended")
    answer = previewed(console, world, '{"region": "$end_user.region"}')["answer"]
    assert json.loads(answer) == {"region": "eu"}


def test_a_name_from_before_the_rule_stays(world, console):
    """Whoever is answered with it goes on so: new ones alone are refused."""
    shape = {"": "old", "apiKey": "$credential.apiKey"}
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape)
    page = url(world.integration, "shape")
    assert json.loads(console.get(page).context["form"]["response_shape"].value()) == shape
    assert "problem" not in previewed(console, world, json.dumps(shape | {"region": "eu"}))
    assert "problem" in previewed(console, world, json.dumps(shape | {" ": "eu"}))


SAME = '{"apiKey": "$credential.apiKey"}'


def test_another_policy_is_asked_about_as_a_changed_one(world, console, trail):
    short = CredentialPolicy.objects.create(
        name="short",
        issuer="static",
        options={"names": ["apiKey"]},
        lifetime=timedelta(minutes=1),
        overlap=timedelta(seconds=10),
    )
    page = saved(console, world, SAME, policy=short.pk)
    tick = page.context["form"].fields["confirmed"]
    assert tick.label == "Save it and change what is made"
    assert "The next credentials of 1 installation end 1 minute after they are entered." in tick.help_text
    assert Integration.objects.get(pk=world.integration.pk).policy == world.policy
    chosen = {"preview": "1", "response_shape": SAME, "policy": short.pk}
    notes = console.post(url(world.integration, "shape"), chosen).json()["notes"]
    assert "The present ones keep their end." in notes
    assert confirmed(console, world, SAME, policy=short.pk).status_code == 302
    accepted = trail.one(action="integration.changed").detail["accepted_changed_answers"]
    assert accepted == ACCEPTED | {"different": 0, "end_unrenewed": 1}


def test_at_the_policy_stands_what_still_renews_by_another(world, console):
    page = console.get(url(world.integration, "shape")).content.decode()
    assert "still renew" not in page
    tokens = CredentialPolicy.objects.create(
        name="tokens", issuer="jwt", options={"audience": "a.example", "name": "apiKey"}
    )
    Grant.objects.update(line=start_issue(policy=tokens, context={}, subject=world.end_user.subject, actor="t").line)
    page = console.get(url(world.integration, "shape")).content.decode()
    assert "goes on by the policy that made it, until they are. 1 credential still renews by the policy tokens." in page
