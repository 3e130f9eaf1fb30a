"""Serves ``/.well-known/jwks.json``: the public halves of the keys that our tokens are signed with."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from credservice.keys.signing_keys import JWKS_MAX_AGE, published_jwks


@csrf_exempt  # it changes nothing, and reads no form
def jwks(request: HttpRequest) -> HttpResponse:
    """Answer the key set. It may be cached for as long as a pending key is published, at least, before it signs."""
    if request.method not in ("GET", "HEAD"):
        error = {"code": "method_not_allowed", "message": "Only GET is answered here."}
        return JsonResponse(error, status=405, headers={"Allow": "GET, HEAD", "Cache-Control": "no-store"})
    max_age = int(JWKS_MAX_AGE.total_seconds())
    return JsonResponse(published_jwks(), headers={"Cache-Control": f"public, max-age={max_age}"})
