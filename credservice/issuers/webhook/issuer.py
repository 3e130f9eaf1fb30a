"""Issues, checks and revokes by one signed POST for each act.

OPTIONS: ``url``; ``secrets``, references of the signing secrets, the current one first; ``seconds`` for one act with
its repeats; ``acts`` that the endpoint knows beside ``issue``: ``revoke``, ``check``.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx2

from credservice.core.secret_references import UnreadableReference, resolve_reference
from credservice.http.outgoing import check_url
from credservice.http.webhook_signatures import PREFIX, check_secret, sign
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest, IssuerUnavailable
from credservice.issuers.calls import call, json_object, reason
from credservice.issuers.options import VALUE_NAMES, JSONObject, Option, OptionsError, that
from credservice.issuers.webhook.answer import read_issued

DEFAULT_SECONDS, MAX_SECONDS = 10.0, 30.0
MAX_PARAMETERS_BYTES = 16 * 1024
ACTS = ("revoke", "check")
_MESSAGES = ("message", "detail", "error")
_GONE = (404, 410)
_PARAMETERS = JSONObject(
    that(
        lambda value: isinstance(value, dict) and len(json.dumps(value).encode()) <= MAX_PARAMETERS_BYTES,
        f"must be a JSON object of at most {MAX_PARAMETERS_BYTES // 1024} KiB",
    )
)
OPTIONS = (
    Option("names", VALUE_NAMES, "The names of the values that the endpoint answers, one a line.", required=True),
    Option("parameters", _PARAMETERS, "A JSON object that the endpoint is sent as it is.", default={}),
)


class WebhookIssuer(Issuer):
    about = "Whatever your own endpoint makes: it gets a signed request for each credential."

    def __init__(self, *, url: str, secrets: list[str], seconds: float = DEFAULT_SECONDS, acts: Any = ACTS[:1]) -> None:
        try:
            self._url = check_url(url)
        except ValueError as error:
            raise OptionsError(f"url {error}") from None
        if not isinstance(secrets, list) or not secrets:
            raise OptionsError('secrets must list references, the current one first, such as ["env:WEBHOOK_SECRET"]')
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= MAX_SECONDS:
            raise OptionsError(f"seconds must be a number from 1 to {MAX_SECONDS:.0f}")
        if not isinstance(acts, list | tuple) or not set(acts) <= set(ACTS):
            raise OptionsError(f"acts must list some of: {', '.join(ACTS)}")
        self._references, self._seconds = secrets, seconds
        self.can_revoke, self.can_check = "revoke" in acts, "check" in acts
        try:
            self._secrets()
        except UnreadableReference as error:
            raise OptionsError(str(error)) from None

    def policy_options(self) -> tuple[Option, ...]:
        return OPTIONS

    def own_lifetime(self, options: Mapping[str, Any]) -> str:
        return "set by its endpoint"

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(options["names"])

    def issue(self, request: IssueRequest) -> Issued:
        names = self.value_names(request.options)
        lifetime = None if request.lifetime is None else int(request.lifetime.total_seconds())
        wanted = {"names": names, "context": request.context, "lifetime": lifetime}
        answer = self._post("issue", request.credential_id, request.options, wanted)
        if answer.status_code == 401:
            # The endpoint does not know our signature: an operator puts that right, the credential is not to blame.
            raise IssuerUnavailable(self._reason(answer), retry_after=60)
        if not answer.is_success:
            raise IssueFailed(self._reason(answer))
        try:
            return read_issued(json_object(answer), names)
        except ValueError as error:
            raise IssueFailed(f"the endpoint's answer cannot be used: {error}") from None

    def check(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> bool:
        answer = self._settled("check", credential_id, options, handle)
        if answer.status_code in _GONE:
            return False
        try:
            active = json_object(answer).get("active")
        except ValueError:
            active = None
        if not isinstance(active, bool):
            raise IssuerUnavailable('the endpoint did not answer {"active": true} or {"active": false}')
        return active

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        self._settled("revoke", credential_id, options, handle)

    def _settled(
        self, act: str, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]
    ) -> httpx2.Response:
        """A success, or "not known here". Any other refusal may be put right at the endpoint: it is asked again."""
        try:
            answer = self._post(act, credential_id, options, {"handle": handle})
        except IssueFailed as error:
            raise IssuerUnavailable(str(error), retry_after=60) from None
        if not answer.is_success and answer.status_code not in _GONE:
            raise IssuerUnavailable(self._reason(answer), retry_after=60)
        return answer

    def _post(
        self, act: str, credential_id: str, options: Mapping[str, Any], more: Mapping[str, Any]
    ) -> httpx2.Response:
        message = {
            "type": f"credential.{act}",
            "id": credential_id,
            "parameters": options.get("parameters", {}),
            **more,
        }
        body = json.dumps(message, separators=(",", ":"))
        # The same on every repeat, so that the endpoint finds what it did before; but a check asks anew each time.
        message_id = f"{act}_{credential_id}" + (f"_{uuid.uuid4().hex}" if act == "check" else "")
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": credential_id if act == "issue" else message_id,
            **sign(message_id, body, self._current_secrets()),
        }
        return call("POST", self._url, seconds=self._seconds, headers=headers, content=body.encode())

    def _reason(self, answer: httpx2.Response) -> str:
        secrets = self._current_secrets()
        return reason(answer, _MESSAGES, [*secrets, *(secret.removeprefix(PREFIX) for secret in secrets)])

    def _secrets(self) -> list[str]:
        found = []
        for reference in self._references:
            try:
                found.append(check_secret(resolve_reference(reference)))
            except UnreadableReference:
                raise
            except ValueError as error:
                raise UnreadableReference(f"{reference} {error}") from None
        return found

    def _current_secrets(self) -> list[str]:
        try:
            return self._secrets()
        except UnreadableReference as error:
            raise IssuerUnavailable(str(error), retry_after=60) from None
