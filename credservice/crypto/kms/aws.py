"""Wraps data keys in AWS KMS: ``ID:awskms:ARN_OR_ALIAS``. Needs the extra ``aws``.

Region, endpoint, credentials, proxy and authorities are found as AWS's SDK finds them: environment, profile, web
identity, container or instance role. The actions used are Encrypt and Decrypt, and DescribeKey for an alias.
Source: AWS KMS API reference, 2014-11-01.
"""

import hashlib
import importlib.util
import logging
import os
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from credservice import __version__
from credservice.crypto.kek import KeyringError, KeyServiceError, KeyServiceUnreachable, UnwrapError

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 5.0
ATTEMPTS: Final = 3
_PLACE: Final = r"arn:(aws[a-z-]*):kms:([a-z0-9-]+):(\d{12}):"
KEY_ARN: Final = re.compile(_PLACE + r"key/([A-Za-z0-9-]{1,64})")
ALIAS: Final = re.compile(rf"(?:{_PLACE})?alias/[A-Za-z0-9/_-]{{1,250}}")
# The parts of a data key's context, as CloudTrail and conditions of a key policy show them.
CONTEXT_NAMES: Final = ("service", "kind", "purpose", "data_key")
# Decrypt: another key wrapped it, or it or its context was changed.
_DOES_NOT_OPEN: Final = ("InvalidCiphertextException", "IncorrectKeyException")

# At DEBUG the SDK logs whole requests and answers: data keys in the clear.
logging.getLogger("botocore").setLevel(logging.WARNING)


@dataclass(frozen=True)
class AwsKey:
    """A symmetric KMS key. An alias is followed once in a process, so that it cannot move under a running one."""

    id: str
    location: str

    @classmethod
    def parse(cls, key_id: str, location: str) -> "AwsKey":
        if not (KEY_ARN.fullmatch(location) or ALIAS.fullmatch(location)):
            raise KeyringError(
                f"Key {key_id!r} of ENCRYPTION_KEYS names no AWS KMS key. Write {key_id}:awskms: and the key's ARN, "
                "or alias/ and its name."
            )
        if importlib.util.find_spec("botocore") is None:
            raise KeyringError(
                f"Key {key_id!r} of ENCRYPTION_KEYS is in AWS KMS, and AWS's client is not installed. "
                "Install it with: requirements/install aws"
            )
        return cls(key_id, location)

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        answer = self._call("encrypt", KeyId=self._arn, Plaintext=data_key, EncryptionContext=_pairs(context))
        return self._bytes(answer, "CiphertextBlob")

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        # With the key's id: without it KMS would open what any key wrapped that this caller may use.
        answer = self._call("decrypt", KeyId=self._arn, CiphertextBlob=wrapped, EncryptionContext=_pairs(context))
        return self._bytes(answer, "Plaintext")

    def fingerprint(self) -> str:
        """Hash the ARN: KMS gives no key's id to another key. Replicas of a multi-Region key are one key."""
        match = KEY_ARN.fullmatch(self._arn)
        assert match is not None
        partition, region, account, key = match.groups()
        parts = ("awskms", partition, "" if key.startswith("mrk-") else region, account, key)
        return hashlib.sha256(":".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def _arn(self) -> str:
        if KEY_ARN.fullmatch(self.location):
            return self.location
        found = self._call("describe_key", KeyId=self.location).get("KeyMetadata", {}).get("Arn")
        if not isinstance(found, str) or not KEY_ARN.fullmatch(found):
            raise KeyServiceUnreachable(self.id, "DescribeKey was answered without a key's ARN")
        return found

    def _call(self, action: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
        from botocore.parsers import ResponseParserError

        place = re.match(_PLACE, self.location)
        try:
            client = _client(place and place[2], os.getpid())
            answer: dict[str, Any] = getattr(client, action)(**parameters)
        except ClientError as error:
            raise self._refusal(error) from None
        except (ConnectionError, HTTPClientError) as error:
            raise KeyServiceUnreachable(self.id, str(error)) from None
        except BotoCoreError as error:
            raise KeyServiceError(self.id, f"AWS's client cannot ask: {error}") from None
        except (ResponseParserError, AttributeError, TypeError, ValueError):  # it trusts what it reads
            raise KeyServiceUnreachable(self.id, "an answer is not as KMS gives it") from None
        return answer

    def _refusal(self, error: Any) -> Exception:
        """By the error's code. Its text is left out: whoever wrote it was given a data key."""
        code = str(error.response.get("Error", {}).get("Code", "no code"))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _DOES_NOT_OPEN:
            return UnwrapError(f"data key does not open under key {self.id!r} ({code})")
        if status >= 500 or status == 429 or code.startswith("Throttling"):
            return KeyServiceUnreachable(self.id, f"{error.operation_name} was answered {status} ({code})")
        return KeyServiceError(self.id, f"the key service refused {error.operation_name}: {code}")

    def _bytes(self, answer: dict[str, Any], name: str) -> bytes:
        found = answer.get(name)
        if not isinstance(found, bytes) or not found:
            raise KeyServiceUnreachable(self.id, f"an answer came without {name}")
        return found


def _pairs(context: bytes) -> dict[str, str]:
    """The encryption context. Raises ValueError where ``context`` is not a data key's."""
    return dict(zip(CONTEXT_NAMES, context.decode().split("/"), strict=True))


@cache
def _client(region: str | None, pid: int) -> Any:
    """A client of this process: a connection that a parent opened must not be shared with its other children."""
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        user_agent_extra=f"credservice/{__version__}",
    )
    return Session().create_client("kms", region_name=region, config=config)
