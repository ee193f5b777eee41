"""SQLAlchemy's engine over asyncpg, for migrations; the product itself talks to asyncpg."""

from __future__ import annotations

import asyncpg
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def create_engine(dsn: str) -> AsyncEngine:
    """Return an engine without a pool. asyncpg reads the DSN itself, so sockets and options mean the same."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool)
