"""Finds what the vendor's side names: by the platform's ids, by the vendor's own, or by ours."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from credservice.core.exceptions import NotFound
from credservice.core.ids import as_uuid, find_theirs_or_ours
from credservice.vendor_api.problems import refused
from exchange.models import EndUser, Grant, Installation, Integration, Platform

M = TypeVar("M", bound=Model)
# What a path names them by, where it is not by our id.
_THEIRS = {EndUser: "external_id", Integration: "integration_id", Installation: "installation_id"}
NO_PLATFORM = "There is no platform of this name."
NO_INTEGRATION = "There is no integration with this id."


def find_platform(name: str | None) -> Platform:
    """Find the platform of this name; without one, the default platform, or the only one. Raises InvalidFields."""
    platforms = {platform.name: platform for platform in Platform.objects.all()}
    if name is not None:
        if name not in platforms:
            raise refused("?platform", NO_PLATFORM)
        return platforms[name]
    default = [platform for platform in platforms.values() if platform.is_default]
    if len(default) == 1 or len(platforms) == 1:
        return (default or list(platforms.values()))[0]
    raise refused("?platform", "Say which platform is meant: none is the default one.")


def platform_of(name: str | None, model: type[Model], text: str) -> Platform:
    """Find the platform of this name; without one, that of the row with our id ``text``, or else as
    :func:`find_platform` does. Raises InvalidFields."""
    rows = model._default_manager.all()
    # The vendor's own ids may be UUIDs as well, and go first.
    if name is None and as_uuid(text) and not rows.filter(**{_THEIRS[model]: text}).exists():
        found = Platform.objects.filter(pk__in=rows.filter(pk=text).values("platform")).first()
        if found is not None:
            return found
    return find_platform(name)


def refuse_unnamed(name: str | None, pointer: str = "?platform") -> None:
    """Refuse to make anything at a platform that nobody named, where there are several: what is made stays there.

    Raises InvalidFields.
    """
    names = list(Platform.objects.values_list("name", flat=True)) if name is None else []
    if len(names) > 1:
        raise refused(pointer, f"This would be new: say at which platform. There are: {', '.join(names)}.")


def refuse_unnamed_for(name: str | None, platform: Platform, external_id: str, pointer: str = "?platform") -> None:
    """Refuse the same of an end user that is not the vendor's yet: also one whom the platform has made is bound for
    good. Raises InvalidFields."""
    if name is None and not find_theirs_or_ours(EndUser.objects.filter(platform=platform), "external_id", external_id):
        refuse_unnamed(None, pointer)


def platform_of_name(name: str) -> Platform:
    """Find the platform of a path. Raises NotFound."""
    found = Platform.objects.select_related("secrets").filter(name=name).first()
    if found is None:
        raise NotFound(NO_PLATFORM)
    return found


def find_end_user(platform: Platform, text: str, *, lock: bool = False) -> EndUser:
    """Find one by ``external_id``, or else by our id. Raises NotFound."""
    return _find(EndUser.objects.select_related("platform"), platform, "external_id", text, "end user", lock)


def find_integration(platform: Platform, text: str) -> Integration:
    """Find one by the platform's integrationId, or else by our id. Raises NotFound."""
    rows = Integration.objects.select_related("platform", "policy")
    return _find(rows, platform, "integration_id", text, "integration", lock=False)


def find_installation(platform: Platform, text: str, *, lock: bool = False) -> Installation:
    """Find one by the platform's installationId, or else by our id. Raises NotFound."""
    rows = Installation.objects.select_related("platform", "integration", "end_user")
    return _find(rows, platform, "installation_id", text, "installation", lock)


def find_grant(
    integration: Integration, end_user: EndUser, installation: Installation | None, *, lock: bool = False
) -> Grant | None:
    rows = Grant.objects.filter(integration=integration, end_user=end_user, installation=installation)
    rows = rows.select_related("integration__platform", "end_user", "installation")
    return (rows.select_for_update(of=("self",)) if lock else rows).first()


def _find(rows: QuerySet[M], platform: Platform, field: str, text: str, kind: str, lock: bool) -> M:
    here = rows.filter(platform=platform)
    if lock:
        here = here.select_for_update(of=("self",), no_key=True)
    found = find_theirs_or_ours(here, field, text)
    if not found:
        # Who forgot to name the platform sees it by that. What others have is not told: the token may not read it.
        which = f"{platform.name}, the default one," if platform.is_default else platform.name
        raise NotFound(f"Platform {which} has no such {kind}.")
    return found[0]
