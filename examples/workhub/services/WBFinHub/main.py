"""FinHub: the money, in FastAPI."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Body, FastAPI
from fastapi.responses import HTMLResponse

SERVICE, VERSION = "finhub", Path("VERSION").read_text().strip()
WHO = {"service": SERVICE, "version": VERSION}

api = APIRouter(prefix="/finhub")


@api.get("/api/health")
async def health() -> dict[str, Any]:
    return {**WHO, "ok": True}


@api.get("/api/slow")
async def slow() -> dict[str, Any]:
    await asyncio.sleep(3)
    return WHO


@api.post("/api/echo")
async def echo(body: Any = Body()) -> dict[str, Any]:
    return {**WHO, "body": body}


@api.get("/api/summary")
async def summary() -> dict[str, Any]:
    return {**WHO, "income": 4600, "expenses": 3100}


@api.get("/", response_class=HTMLResponse)
async def page() -> str:
    return f"<h1>FinHub {VERSION}</h1>"


app = FastAPI(title="FinHub", openapi_url="/finhub/openapi.json", docs_url="/finhub/docs")
app.include_router(api)
