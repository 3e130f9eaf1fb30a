"""Serves the exchange and the credential PUT. Settings are PG*, PEER_SEALING_KEY and PEER_MASTER_KEY."""

import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tests.bench.peers.sealing import seal, unseal
from tests.bench.peers.signatures import check_chain, check_hmac

GRANTED = """
SELECT p.sealed_secret, c.id, c.sealed
FROM platforms p
LEFT JOIN grants g ON g.platform_id = p.id AND g.integration_id = $2 AND g.installation_id = $3 AND g.end_user_id = $4
LEFT JOIN credentials c ON c.id = g.credential_id AND c.revoked_at IS NULL
WHERE p.name = $1
"""
ORDERED = """
SELECT r.id, c.resource_id, c.sealed, c.revoked_at
FROM resources r LEFT JOIN resource_credentials c ON c.id = $2
WHERE r.id = $1 AND r.deprovisioned_at IS NULL
"""
STORE = "INSERT INTO resource_credentials (id, resource_id, key_hash, sealed) VALUES ($1, $2, $3, $4)"
AUDIT = "INSERT INTO audit (actor, action, object_id, source, detail) VALUES ($1, $2, $3, $4, $5)"


class Ids(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    integration_id: str
    installation_id: str
    end_user_id: str


class Order(BaseModel):
    id: str
    resource_id: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(min_size=10, max_size=10) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/credential-exchange/{platform}")
async def exchange(platform: str, ids: Ids, request: Request) -> dict[str, str]:
    async with app.state.pool.acquire() as db:
        row = await db.fetchrow(GRANTED, platform, ids.integration_id, ids.installation_id, ids.end_user_id)
        if row is None:
            raise HTTPException(401)
        check_hmac(request, unseal(row["sealed_secret"], platform))
        if row["id"] is None:
            raise HTTPException(404)
        value = unseal(row["sealed"], str(row["id"]))
        await record(db, request, platform, "exchange", str(row["id"]), ids.model_dump())
    return {"apiKey": value}


@app.put("/v1/credentials/{credential_id}", status_code=201)
async def put_credential(credential_id: str, order: Order, request: Request) -> dict[str, Any]:
    check_chain(request, await request.body())
    if order.id != credential_id:
        raise HTTPException(400)
    async with app.state.pool.acquire() as db:
        row = await db.fetchrow(ORDERED, order.resource_id, credential_id)
        if row is None:
            raise HTTPException(404)
        if row["sealed"] is None:
            key = await make_key(db, request, order)
        elif row["resource_id"] != order.resource_id or row["revoked_at"]:
            raise HTTPException(409)
        else:
            key = unseal(row["sealed"], credential_id)
            await record(db, request, "manifold", "credential.repeated", credential_id, order.model_dump())
    return {"message": "The credential is ready to use.", "credentials": {"BEAR_API_KEY": key}}


async def make_key(db: asyncpg.Connection, request: Request, order: Order) -> str:
    key = f"bear_demo_{secrets.token_hex(18)}"
    try:
        async with db.transaction():
            await db.execute(
                STORE, order.id, order.resource_id, hashlib.sha256(key.encode()).digest(), seal(key, order.id)
            )
            await record(db, request, "manifold", "credential.made", order.id, order.model_dump())
    except asyncpg.UniqueViolationError:
        raise HTTPException(503, "This credential is being made. Try again.") from None
    return key


async def record(
    db: asyncpg.Connection, request: Request, actor: str, action: str, object_id: str, detail: dict[str, str]
) -> None:
    source = request.client.host if request.client else None
    await db.execute(AUDIT, actor, action, object_id, source, json.dumps(detail))
