"""The requests of each case, as Lua scripts for wrk. What has to be signed is signed beforehand.

MindCloud's signature covers no body, so one is good for every installation; a marketplace's is of one request alone.
Both are good for five minutes, and are sent to our doors and to the peer's as they are.
"""

import itertools
from collections.abc import Iterable
from pathlib import Path

from tests.bench.ids import INTEGRATION, PLATFORM, end_user_id, installation_id, resource_id
from tests.e2e.partners import Manifold, MindCloud

EXCHANGE_PATH = f"/credential-exchange/{PLATFORM}"

# An answer counts only with this status and a body of this form. The figures are printed as JSON.
_CHECKED = """
local checked
wrong = 0
setup = function(thread) checked = thread end
response = function(status, headers, body)
  if status ~= {status} or not body:find('{body}') then wrong = wrong + 1 end
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.timeout + checked:get("wrong")))
end
"""

# Any of the installations, with the signature of now.
_EXCHANGE = """
local headers = {{ {headers} }}
math.randomseed(os.time())
request = function()
  local n = math.random({installations}) - 1
  local body = '{{"integrationId":"{integration}","installationId":"{installation}' .. n
    .. '","endUserId":"{end_user}' .. n .. '"}}'
  return wrk.format("POST", "{path}", headers, body)
end
"""

# Requests written out one after the other, each behind its length. From the beginning again when all are sent, which
# is an error unless they are meant to be repeated.
_WRITTEN = """
local requests, sent = {{}}, 0
local file = io.open("{file}", "rb")
while true do
  local length = file:read(6)
  if not length then break end
  requests[#requests + 1] = file:read(tonumber(length))
end
file:close()
request = function()
  sent = sent + 1
  if sent > #requests and not {repeated} then wrong = wrong + 1 end
  return requests[(sent - 1) % #requests + 1]
end
"""

# Time to think before each request of a connection, at random, so that requests come like those of strangers do.
_PACED = """
delay = function() return math.floor(-{mean} * math.log(1 - math.random()) + 0.5) end
"""


def checked(status: int, body: str) -> str:
    """``body`` is a pattern of Lua's."""
    return _CHECKED.format(status=status, body=body)


def exchange_script(mindcloud: MindCloud, installations: int) -> str:
    headers = ", ".join(f'["{name}"] = "{value}"' for name, value in mindcloud.headers(EXCHANGE_PATH).items())
    return checked(200, '^{"apiKey": ?"value%-of%-installation%-%d+"}$') + _EXCHANGE.format(
        headers=headers,
        path=EXCHANGE_PATH,
        installations=installations,
        integration=INTEGRATION,
        installation=installation_id(0)[:-1],
        end_user=end_user_id(0)[:-1],
    )


def paced(script: str, mean_milliseconds: float) -> str:
    return script + _PACED.format(mean=mean_milliseconds)


def put_script(file: Path, *, repeated: bool) -> str:
    written = _WRITTEN.format(file=file, repeated=str(repeated).lower())
    return checked(201, '"BEAR_API_KEY": ?"bear_demo_%w+"') + written


class Puts:
    """Signed credential PUTs, spread over the resources."""

    def __init__(self, manifold: Manifold, resources: int) -> None:
        self._manifold, self._resources = manifold, [resource_id(number) for number in range(resources)]

    def write(self, file: Path, ids: Iterable[str]) -> None:
        """Write a request for each of the credentials."""
        with file.open("wb") as out:
            for credential_id, resource in zip(ids, itertools.cycle(self._resources), strict=False):
                raw = self._raw(credential_id, resource)
                out.write(f"{len(raw):6d}".encode() + raw)

    def _raw(self, credential_id: str, resource: str) -> bytes:
        target = f"/v1/credentials/{credential_id}"
        request = self._manifold.signed("PUT", target, {"id": credential_id, "resource_id": resource})
        lines = [f"PUT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers), "", ""]
        return "\r\n".join(lines).encode() + request.body
