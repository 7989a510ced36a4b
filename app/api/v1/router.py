"""All endpoints of version 1, and those for watching and for agents."""

from fastapi import APIRouter

from app.api import mcp
from app.api.v1 import entities, evaluations, health, jobs, kbs, keys, models, questions, read, sparql, triples

ROUTERS: tuple[APIRouter, ...] = (
    questions.router,
    evaluations.router,
    read.router,
    kbs.router,
    triples.router,
    entities.router,
    sparql.router,
    models.router,
    jobs.router,
    keys.router,
    health.router,
    mcp.router,
)
