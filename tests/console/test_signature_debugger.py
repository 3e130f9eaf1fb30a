"""The signature debugger: refused calls kept, explained, and the setting applied that makes them pass."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import last_uses
from credservice.keys.services import generate_secret
from exchange.models import EndUser, Platform
from exchange.models.refused_calls import RefusedCall
from exchange.refused_calls import KEPT
from exchange.services.grants import new_secret_set
from exchange.signatures.verify import Profile, sign
from tests.support.console import CANARY
from tests.support.doors import role_client
from tests.support.pages import url

TARGET = "/credential-exchange/mindcloud"
BODY = '{"integrationId": "int_1", "installationId": "inst_1", "endUserId": "eu_1"}'


def headers_of(profile, *, at=None, secret=CANARY):
    return sign(
        method="POST", path=TARGET, timestamp=str(at or int(time.time())), profile=profile, secret=secret.encode()
    )


def call(client, headers):
    return client.post(TARGET, BODY, content_type="application/json", headers=headers)


def page_of(call):
    return f"{url(call.platform, 'debugger')}?call={call.pk}"


def test_a_refused_call_is_kept_without_its_body(world, client):
    assert call(client, headers_of(Profile(), secret="x" * 40)).status_code == 401
    kept = RefusedCall.objects.get()
    assert (kept.reason, kept.request.path) == ("wrong_signature", TARGET)
    assert sorted(kept.request.environ) == ["HTTP_X_SIGNATURE", "HTTP_X_TIMESTAMP"]


def test_a_timestamp_in_another_header_is_kept_and_the_header_is_named(world, client, console):
    headers = headers_of(Profile(timestamp_header="X-Date")) | {"X-Secret": CANARY}
    assert call(client, headers).status_code == 401
    kept = RefusedCall.objects.get()
    assert (kept.reason, sorted(kept.request.environ)) == ("missing_timestamp", ["HTTP_X_DATE", "HTTP_X_SIGNATURE"])
    assert "Set the timestamp header to X-Date." in console.get(page_of(kept)).content.decode()


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Auditor"])
def test_who_may_only_look_is_told_why_and_changes_nothing(world, client, role):
    assert call(client, headers_of(Profile(lower_case_method=True))).status_code == 401
    reader = role_client(role)
    page = reader.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "Set the method to lower case." in page
    assert "Whoever may change the platform, such as a secrets manager, can set it here." in page
    assert CANARY not in page
    assert not {'name="settings"', 'name="pasted"'} & set(re.findall(r'name="[^"]*"', page))
    for sent in ({"pasted": f"POST {TARGET} HTTP/1.1"}, {"settings": "x"}):
        assert reader.post(url(world.platform, "debugger"), sent).status_code == 403


def test_who_may_not_look_at_the_trail_is_told_nothing(world, client):
    call(client, headers_of(Profile(), secret="x" * 40))
    reader = role_client("Viewer")
    Group.objects.get(name="Viewer").permissions.remove(Permission.objects.get(codename="view_auditevent"))
    assert reader.get(page_of(RefusedCall.objects.get())).status_code == 403


def test_headers_that_may_hold_a_secret_are_not_shown(world, client):
    call(client, {"X-Signature": CANARY, "X-Timestamp": CANARY})
    page = role_client("Operator").get(page_of(RefusedCall.objects.get())).content.decode()
    assert "none of the forms" in page
    assert CANARY not in page


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1000, "1[67] minutes.* behind ours"), (1000, "16 minutes.* ahead of ours")]
)
def test_the_line_says_in_words_how_far_the_clock_was_off(world, client, console, seconds, told):
    call(client, headers_of(Profile(), at=int(time.time()) + seconds))
    page = console.get(url(AuditEvent.objects.get(action="exchange.credential"))).content.decode()
    assert re.search(rf": its clock was {told} \(allowed: 5 minutes\)", page)


def test_what_is_refused_for_another_reason_is_not_kept(world, client):
    Platform.objects.update(is_active=False)
    assert call(client, headers_of(Profile())).status_code == 401
    assert not RefusedCall.objects.exists()


def test_the_newest_few_of_a_platform_are_kept(world, client):
    for _ in range(KEPT + 3):
        call(client, {"X-Signature": "nonsense"})
    assert RefusedCall.objects.count() == KEPT


def test_the_line_of_a_refused_call_leads_to_it(world, client, console):
    call(client, headers_of(Profile(), secret="x" * 40))
    line = url(AuditEvent.objects.get(action="exchange.credential"))
    steps = {step.sentence: step.link for step in console.get(line).context["next_steps"]}
    kept = RefusedCall.objects.get()
    assert steps == {"Explain this call": page_of(kept), "Open platform mindcloud": url(world.platform)}
    viewer = role_client("Viewer").get(line).context["next_steps"]
    assert {step.sentence: step.link for step in viewer} == steps
    kept.delete()
    assert [step.sentence for step in console.get(line).context["next_steps"]] == ["Open platform mindcloud"]


def test_the_line_of_an_unknown_end_user_leads_to_the_form_that_registers_it(world, client, console):
    body = BODY.replace("eu_1", "enduser_zzz&x=1")
    assert client.post(TARGET, body, content_type="application/json", headers=headers_of(Profile())).status_code == 404
    line = url(AuditEvent.objects.get(action="exchange.credential", reason="unknown_end_user"))

    def steps(client):
        return {step.sentence: step.link for step in client.get(line).context["next_steps"]}

    assert "Register this end user" not in steps(role_client("Viewer"))
    offered = steps(role_client("Operator"))
    assert offered["Open platform mindcloud"] == url(world.platform)
    form = console.get(offered["Register this end user"]).context["adminform"].form
    assert (form["end_user_id"].value(), form["platform"].value()) == ("enduser_zzz&x=1", str(world.platform.pk))
    EndUser.objects.create(platform=world.platform, end_user_id="enduser_zzz&x=1")
    assert "Register this end user" not in steps(console)


def test_it_names_the_setting_and_applies_it(world, client, console, trail):
    headers = headers_of(Profile(lower_case_method=True))
    assert call(client, headers).status_code == 401
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "Set the method to lower case." in page
    token = re.search(r'name="settings" value="([^"]+)"', page)
    form_id = re.search(r'name="form_id" value="([^"]+)"', page)
    assert "Set lower case method to on" in page
    console.post(url(world.platform, "debugger"), {"settings": token[1], "form_id": form_id[1]})
    assert call(client, headers).status_code == 200
    assert trail.one(action="platform.changed").detail["changes"] == {"lower_case_method": {"from": False, "to": True}}


def test_beside_an_erased_secret_a_call_is_explained(world, client, console):
    generate_secret(secret_set=world.platform.secrets, actor="test", overlap=timedelta(0))  # the one before has leaked
    assert world.platform.secrets.secrets.filter(sealed=None).exists()
    assert call(client, headers_of(Profile())).status_code == 401
    answer = console.get(page_of(RefusedCall.objects.get()))
    assert (answer.status_code, "does not match" in answer.content.decode()) == (200, True)


def test_a_call_that_was_given_to_another_platform_is_not_shown(world, client, console):
    call(client, headers_of(Profile(), secret="x" * 40))
    other = Platform.objects.create(name="other", secrets=new_secret_set("other"))
    RefusedCall.objects.update(platform=other)
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "This cannot be explained: exchange.refusedcall" in page
    assert f"?call={RefusedCall.objects.get().pk}" not in page


def test_a_wider_tolerance_comes_with_its_warning(world, client, console):
    call(client, headers_of(Profile(), at=int(time.time()) - 500))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "the time in which a captured call can be replayed" in page
    assert 'name="settings"' in page


def test_it_says_what_it_set_and_what_that_gives_up(world, client, console):
    call(client, headers_of(Profile(), at=int(time.time()) - 350))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "Set tolerance to 420 s" in page
    sent = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("settings", "form_id")}
    answer = console.post(url(world.platform, "debugger"), sent, follow=True).content.decode()
    assert "The tolerance was 300 s, and is 420 s now." in answer
    assert "A captured call can be replayed for longer now" in answer


def test_a_call_that_is_merely_old_is_not_let_in_by_a_click(world, client, console):
    call(client, headers_of(Profile(), at=int(time.time()) - 1000))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "an old request" in page
    assert 'name="settings"' not in page


@pytest.mark.parametrize(
    ("header", "text", "told"),
    [
        (
            "X-Signature",
            "not-a-digest-7f3a",
            "X-Signature was sent with 17 characters. It may be 64 hexadecimal",
        ),
        ("X-Timestamp", "yesterday-7f3a", "X-Timestamp was sent with 14 characters. It may be seconds or milliseconds"),
    ],
)
def test_it_says_which_header_cannot_be_read_and_what_it_may_be(world, client, console, header, text, told):
    call(client, headers_of(Profile(), at=int(time.time())) | {header: text})
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert told in page
    assert "Compare the text below" not in page
    assert text not in page


def test_it_shows_what_is_signed_and_no_secret(world, client, console):
    call(client, headers_of(Profile(), secret="x" * 40, at=1_763_640_000))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert f"1763640000\nPOST\n{TARGET}" in page
    assert "does not match" in page
    assert CANARY not in page


def test_the_secret_is_compared_by_who_may_reveal_it_or_made_anew(world, client, console):
    call(client, headers_of(Profile(), secret="x" * 40))
    address = page_of(RefusedCall.objects.get())
    page = console.get(address).content.decode()
    reveal = f'href="{url(world.secret, "reveal")}"'
    assert "Neither is shown here to compare them:" in page
    assert f'compare the platform\'s with ours by <a class="text-link" {reveal}>Reveal</a>, or' in page
    assert f'href="{url(world.platform.secrets, "new-secret")}">make a new signing secret</a>' in page
    page = role_client("Operator").get(address).content.decode()
    assert reveal not in page
    assert "have a secrets manager make a new signing secret" in page


def test_a_wrong_signature_need_not_be_the_platforms(world, client, console):
    call(client, headers_of(Profile(), secret="x" * 40))
    address = page_of(RefusedCall.objects.get())
    page = console.get(address).content.decode()
    assert "Anybody who knows the address can send such a call" in page
    assert "No secret of now has verified a call yet" in page
    assert call(client, headers_of(Profile())).status_code == 200
    last_uses.flush()
    page = console.get(address).content.decode()
    assert f"Others have held: the present secret {world.secret.hint} last verified a call just now, at " in page


def changed(platform, minutes_ago, **settings):
    """Change a platform's signature profile after a call that held."""
    now = timezone.now()
    SigningSecret.objects.update(last_used_at=now - timedelta(minutes=minutes_ago, seconds=40))
    for name, value in settings.items():
        setattr(platform, name, value)
    with time_machine.travel(now - timedelta(minutes=minutes_ago), tick=False):
        platform.save()


def test_several_wrong_settings_are_put_back_at_once(world, client, console):
    changed(world.platform, 3, construction="sha256-message-secret", lower_case_method=True)
    assert call(client, headers_of(Profile())).status_code == 401
    page = console.get(page_of(RefusedCall.objects.get()))
    text = page.content.decode()
    assert "Put back the signature profile with which calls have held." in text
    told = "None has since the signature profile was changed 3\xa0minutes ago."
    assert page.context["explained"].real_calls.endswith(told)
    assert "leave it as it is" not in text
    assert page.context["explained"].found.settings == {"construction": "hmac-sha256", "lower_case_method": False}
    assert page.context["explained"].accept is None  # no tick


def test_a_stray_call_after_a_change_that_calls_hold_with_undoes_nothing_without_a_tick(world, client, console):
    """A use shows within a minute: till then, that none has held since the change is not known."""
    stray = headers_of(Profile())
    changed(world.platform, 0, lower_case_method=True)
    assert call(client, headers_of(Profile(lower_case_method=True))).status_code == 200
    assert call(client, stray).status_code == 401
    page = console.get(page_of(RefusedCall.objects.get()))
    explained = page.context["explained"]
    told = "Its signature profile was changed just now: whether calls hold with it shows 2 minutes after that."
    assert explained.real_calls.endswith(told)
    assert told in explained.impact.sentence()
    assert explained.accept is not None
    last_uses.flush()
    page = console.get(page_of(RefusedCall.objects.get()))
    assert page.context["explained"].real_calls.endswith("While such calls go on, leave it as it is.")


def test_another_secret_that_real_calls_hold_with_is_named(world, client, console):
    generate_secret(secret_set=world.platform.secrets, actor="test")
    call(client, headers_of(Profile()))
    last_uses.flush()
    call(client, headers_of(Profile(), secret="x" * 40))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert f"Others have held: the previous secret {world.secret.hint} last verified a call" in page


@pytest.mark.parametrize(
    ("sent", "states"),
    [
        ({}, ["holds", "at fault", "holds"]),
        ({"at": 1_763_640_000}, ["holds", "at fault", "fails too"]),
        ({"at": 1_763_640_000, "secret": CANARY}, ["holds", "holds", "at fault"]),
        (None, ["at fault", "not looked at", "not looked at"]),
    ],
)
def test_the_check_at_fault_is_marked(world, client, console, sent, states):
    headers = {"X-Signature": "nonsense"} if sent is None else headers_of(Profile(), **{"secret": "x" * 40} | sent)
    call(client, headers)
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    checks = page.partition("What was checked")[2].partition("</ol>")[0]
    assert re.findall(r"^(holds|at fault|fails too|not looked at)$", checks, re.MULTILINE) == states
    marked = re.search(r'class="console-at-fault">.*?<strong>(\w+)', checks, re.DOTALL)
    assert marked[1] == ["Headers", "Signature", "Clock"][states.index("at fault")]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "The call carries no X-Signature and no X-Timestamp."),
        ({"X-Signature": "0" * 64}, "The call carries no X-Timestamp."),
        ({"X-Signature": "nonsense"}, "a signature may have. The call carries no X-Timestamp."),
    ],
)
def test_headers_that_are_missing_are_named(world, client, console, sent, sentence):
    call(client, sent)
    assert sentence in console.get(page_of(RefusedCall.objects.get())).content.decode()


def test_the_call_that_is_explained_is_marked_among_the_others(world, client, console):
    for _ in range(3):
        call(client, {"X-Signature": "nonsense"})
    chosen = RefusedCall.objects.order_by("at")[1]
    page = console.get(page_of(chosen)).content.decode()
    [marked] = re.findall(r'<li[^>]*aria-current="true">(.*?)</li>', page, re.DOTALL)
    assert (f'href="?call={chosen.pk}"' in marked, "explained above" in marked) == (True, True)
    assert 'aria-current="true"' not in console.get(url(world.platform, "debugger")).content.decode()


def test_a_forged_setting_is_not_applied(world, console):
    page = console.get(url(world.platform, "debugger")).content.decode()
    form_id = re.search(r'name="form_id" value="([^"]+)"', page)
    answer = console.post(
        url(world.platform, "debugger"), {"settings": "require_signature", "form_id": form_id[1] if form_id else ""}
    )
    assert answer.status_code == 302
    assert Platform.objects.get().require_signature


@pytest.mark.parametrize("blanks", ["", "  "])
def test_a_pasted_call_is_explained(world, console, blanks):
    sent = headers_of(Profile(timestamp_header="Date"))
    lines = [f"POST {TARGET} HTTP/1.1", *(f"{name}: {text}" for name, text in sent.items())]
    pasted = "\n".join(f"{blanks}{line}{blanks}" for line in lines)
    page = console.post(url(world.platform, "debugger"), {"pasted": pasted}).content.decode()
    assert "Set the timestamp header to Date." in page


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_pasted_curl_command_is_explained(world, console, newline):
    sent = headers_of(Profile(timestamp_header="Date"))
    headers = [f"-H '{name}: {text}'" for name, text in sent.items()]
    lines = [f"$ curl -X POST http://localhost:8000{TARGET}", *headers, f"-d '{BODY}'"]
    pasted = f" \\{newline}     ".join(lines) + f"{newline}HTTP 401"
    page = console.post(url(world.platform, "debugger"), {"pasted": pasted}).content.decode()
    assert "Set the timestamp header to Date." in page


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "nonsense",
        "X-Signature: a",
        "POST",
        "x" * 9000,
        "POST http://[ HTTP/1.1",
        "POST /é",
        "curl",
        "curl -X",
        "curl '/",
    ],
)
def test_what_is_no_call_is_refused_with_an_example(world, console, pasted):
    answer = console.post(url(world.platform, "debugger"), {"pasted": pasted})
    assert answer.status_code == 200
    assert "What we expect to be signed" not in answer.content.decode()


def test_what_cannot_be_read_leaves_nothing_of_the_call_before(world, console, client):
    call(client, {"X-Signature": "nonsense"})
    page = page_of(RefusedCall.objects.get())
    assert "What we expect to be signed" in console.get(page).content.decode()
    answer = console.post(page, {"pasted": "nonsense"})
    assert answer.context["explained"] is None
    (sentence,) = answer.context["form"].errors["pasted"]
    assert sentence.endswith("such as POST /credential-exchange/mindcloud HTTP/1.1, or paste a whole curl command.")


def test_another_platforms_call_is_not_shown(world, client, console):
    call(client, {"X-Signature": "nonsense"})
    other = Platform.objects.create(name="other", secrets=world.platform.secrets.__class__.objects.create(label="o"))
    page = console.get(f"{url(other, 'debugger')}?call={RefusedCall.objects.get().pk}").content.decode()
    assert "What we expect to be signed" not in page


def held(client):
    assert call(client, headers_of(Profile())).status_code == 200
    last_uses.flush()


def sent_by(page):
    return {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("settings", "form_id")}


def test_where_calls_hold_a_setting_that_refuses_them_needs_a_tick(world, client, console, trail):
    held(client)
    stray = headers_of(Profile(lower_case_method=True))
    assert call(client, stray).status_code == 401
    address = page_of(RefusedCall.objects.get())
    page = console.get(address).content.decode()
    told = f"the last one just now, by the secret {world.secret.hint}. With lower case method otherwise, calls that"
    assert page.index(told) < page.index("Leave it as it is, unless the platform itself") < page.index("Set lower case")
    answer = console.post(address, sent_by(page), follow=True)
    assert "Nothing is changed yet." in answer.content.decode()
    assert 'name="confirmed"' in answer.content.decode()
    assert not trail.all(action="platform.changed")
    assert call(client, headers_of(Profile())).status_code == 200
    console.post(address, sent_by(console.get(address).content.decode()) | {"confirmed": "on"})
    assert call(client, stray).status_code == 200
    detail = trail.one(action="platform.changed").detail
    assert detail["accepted_changed_answers"] == {"settings_that_calls_hold_with": 1}


def test_calls_that_begin_to_hold_meanwhile_count(world, client, console):
    assert call(client, headers_of(Profile(lower_case_method=True))).status_code == 401
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert 'name="confirmed"' not in page
    held(client)
    console.post(url(world.platform, "debugger"), sent_by(page))
    assert not Platform.objects.get().lower_case_method


def test_a_wider_tolerance_needs_no_tick_where_calls_hold(world, client, console):
    held(client)
    call(client, headers_of(Profile(), at=int(time.time()) - 350))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert ('name="settings"' in page, 'name="confirmed"' in page) == (True, False)


def test_sentence_and_button_call_a_construction_alike(world, client, console):
    call(client, headers_of(Profile(construction="sha256-message-secret")))
    page = console.get(page_of(RefusedCall.objects.get())).content.decode()
    assert "Set the construction to SHA-256(message + secret)." in page
    assert "Set construction to SHA-256(message + secret)" in page
