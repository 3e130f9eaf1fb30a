"""Shows a page about one object, beside its own: the base of acts (``object_actions``), of first steps, of trials."""

from functools import partial
from typing import Any, ClassVar

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from unfold.enums import ActionVariant

from credservice.accounts.recent_proof import ask_for_proof, sent_too_late
from credservice.adminkit.links import page_of


def permission_name(permission: str, opts: Any) -> str:
    """Write a model's permission in full: ``change`` is ``exchange.change_platform``. One with a dot is so already."""
    return permission if "." in permission else f"{opts.app_label}.{permission}_{opts.model_name}"


class ObjectPage:
    """A page about one object. Its list names it in ``object_pages``, and the object's own page links to it.

    The life of a request:

    1. Django's ``admin_view`` sends whoever is not signed in to the sign-in, and checks a POST's CSRF token.
    2. ``proof_first`` sends on whoever may do this but has to re-authenticate; with ``keeps_typed``, its forms ask
       ``refuse_late``, and one that was sent too late is shown again as it was typed: its page may hold no secret.
    3. ``respond`` refuses other methods (405) and whoever is not ``allowed`` (403), finds the object (404), and asks
       ``allowed`` once more, about this object.
    4. ``answer`` makes the response, by ``render``.

    ``permission`` is one of the model by its verb, such as ``change``, or any in full, such as
    ``keys.reveal_signingsecret``. ``needs_proof``: it lets somebody in, shows a secret, or changes or
    ends what is handed out or believed.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str] = "edit"
    variant: ClassVar[ActionVariant] = ActionVariant.DEFAULT
    permission: ClassVar[str] = "change"
    needs_proof: ClassVar[bool] = False
    keeps_typed: ClassVar[bool] = False

    def __init__(self, site_admin: Any) -> None:
        self.admin = site_admin

    @classmethod
    def view_for(cls, site_admin: Any) -> Any:
        @sensitive_post_parameters()
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            page = cls(site_admin)
            elsewhere, respond = page.proof_first(request), partial(page.respond, request, object_id)
            if elsewhere is None:
                return respond()
            return sent_too_late(request, elsewhere, respond if cls.keeps_typed else None)

        return view

    def proof_first(self, request: HttpRequest) -> HttpResponse | None:
        """Send whoever may do this to re-authenticate; None where nothing is asked, or who may not is refused."""
        return ask_for_proof(request) if self.needs_proof and self.allowed(request) else None

    def respond(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        if not self.allowed(request):
            raise PermissionDenied
        obj = self.admin.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.allowed(request, obj):
            raise PermissionDenied
        return self.answer(request, obj)

    def allowed(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether this user may open the page; with ``obj``, also of this object."""
        may = request.user.has_perm(permission_name(self.permission, self.admin.opts))
        return self.admin.has_view_permission(request) and bool(may)

    def refusal(self, obj: Any) -> str:
        """Say why it cannot be done to this object now; empty where it can."""
        return ""

    def answer(self, request: HttpRequest, obj: Any) -> HttpResponse:
        raise NotImplementedError

    def render(self, request: HttpRequest, obj: Any, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin.admin_site.name
        title = self.admin.object_title(obj)
        common = {"opts": self.admin.opts, "original": obj, "subtitle": title, "home": page_of(obj)}
        return TemplateResponse(request, template, self.admin.admin_site.each_context(request) | common | context)

    def link(self, request: HttpRequest, obj: Any) -> dict[str, Any] | None:
        """Make the button on the object's own page; None where this user may not, or it makes no sense now."""
        if not self.allowed(request, obj) or self.refusal(obj):
            return None
        return {"title": self.title, "icon": self.icon, "variant": self.variant, "path": self.url(obj)}

    def url(self, obj: Any) -> str:
        opts = self.admin.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{self.slug}", args=[quote(obj.pk)])
