"""The requests of each case, as Lua scripts for wrk. What has to be signed is signed beforehand.

MindCloud's signature covers no body, so one is good for every installation; a marketplace's is of one request alone.
Both are good for five minutes.
"""

from pathlib import Path

from tests.bench.data import end_user_id, installation_id, resource_id
from tests.e2e.partners import Manifold, MindCloud, new_id

PATH = "/credential-exchange"

# Any of the installations, with the signature of now.
_EXCHANGE = """
local headers = {{ {headers} }}
math.randomseed(os.time())
request = function()
  local n = math.random({installations}) - 1
  local body = '{{"integrationId":"int_abc123","installationId":"{installation}' .. n
    .. '","endUserId":"{end_user}' .. n .. '"}}'
  return wrk.format("POST", "{path}", headers, body)
end
"""

# Requests written out one after the other, each behind its length; from the beginning again when all are sent.
_WRITTEN = """
local requests, next = {{}}, 0
local file = io.open("{file}", "rb")
while true do
  local length = file:read(6)
  if not length then break end
  requests[#requests + 1] = file:read(tonumber(length))
end
file:close()
request = function()
  next = next % #requests + 1
  return requests[next]
end
"""

# Time to think before each request of a connection, at random, so that requests come like those of strangers do.
_PACED = """
delay = function() return math.floor(-{mean} * math.log(1 - math.random()) + 0.5) end
"""


def empty_script() -> str:
    return 'request = function() return wrk.format("GET", "/bench/empty") end\n'


def exchange_script(mindcloud: MindCloud, installations: int) -> str:
    headers = ", ".join(f'["{name}"] = "{value}"' for name, value in mindcloud.headers(PATH).items())
    return _EXCHANGE.format(
        headers=headers,
        path=PATH,
        installations=installations,
        installation=installation_id(0)[:-1],
        end_user=end_user_id(0)[:-1],
    )


def paced(script: str, mean_milliseconds: float) -> str:
    return script + _PACED.format(mean=mean_milliseconds)


def put_script(file: Path) -> str:
    return _WRITTEN.format(file=file)


class Puts:
    """Signed credential PUTs, spread over the resources."""

    def __init__(self, manifold: Manifold, resources: int) -> None:
        self._manifold, self._resources, self._made = manifold, resources, 0

    def write(self, file: Path, count: int) -> None:
        """Write ``count`` requests for new ids."""
        with file.open("wb") as out:
            for _ in range(count):
                raw = self._raw(new_id(), resource_id(self._made % self._resources))
                out.write(f"{len(raw):6d}".encode() + raw)
                self._made += 1

    def _raw(self, credential_id: str, resource: str) -> bytes:
        target = f"/v1/credentials/{credential_id}"
        request = self._manifold.signed("PUT", target, {"id": credential_id, "resource_id": resource})
        lines = [f"PUT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers), "", ""]
        return "\r\n".join(lines).encode() + request.body
