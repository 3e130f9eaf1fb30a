"""No page of the console breaks its Content-Security-Policy: see conftest, which fails a test on any violation."""

from playwright.sync_api import Page, expect

from tests.support.live import LiveService

POLICY = "script-src 'self';"
LIST_ROWS = "#result_list a, #changelist-form a"


def addresses(service: LiveService) -> list[str]:
    """Every list and add form, and the first row's page of every list that has one."""
    code = (
        "from django.contrib import admin; from django.urls import reverse\n"
        "for model, ours in admin.site._registry.items():\n"
        "    name = f'admin:{model._meta.app_label}_{model._meta.model_name}'\n"
        "    print('at', reverse(f'{name}_changelist'))\n"
        "    print('at', reverse(f'{name}_add'))\n"
        "    row = model._default_manager.order_by('pk').first()\n"
        "    pages = [page.slug for page in getattr(ours, 'object_pages', ())]\n"
        "    for page in ['change', *pages] if row else []:\n"
        "        print('at', reverse(f'{name}_{page}', args=[row.pk]))\n"
    )
    done = service.manage("shell", "-c", code)
    assert done.returncode == 0, done.stderr
    return [line.removeprefix("at ") for line in done.stdout.splitlines() if line.startswith("at ")]


def test_every_page_keeps_to_its_policy(console: Page, live_service: LiveService):
    for address in ["/admin/", "/admin/password_change/", "/admin/nowhere/", *addresses(live_service)]:
        console.emulate_media(color_scheme="light")
        response = console.goto(address)
        assert response is not None
        assert POLICY in response.headers["content-security-policy"], address
        expect(console.locator("body")).to_be_visible()
        console.emulate_media(color_scheme="dark")
        expect(console.locator("body")).to_be_visible()


def test_nothing_is_fetched_from_elsewhere(console: Page, live_service: LiveService):
    fetched: list[str] = []
    console.on("request", lambda request: fetched.append(request.url))
    console.goto("/admin/exchange/platform/")
    assert fetched
    assert [url for url in fetched if not url.startswith((live_service.base_url, "data:"))] == []
