"""Both doors as a vendor's developer would write them by hand, to compare with: FastAPI, asyncpg, uvicorn."""
