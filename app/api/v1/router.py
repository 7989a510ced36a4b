"""All endpoints of version 1, and those for watching."""

from fastapi import APIRouter

from app.api.v1 import entities, health, jobs, kbs, keys, questions, read, triples

ROUTERS: tuple[APIRouter, ...] = (
    questions.router,
    read.router,
    kbs.router,
    triples.router,
    entities.router,
    jobs.router,
    keys.router,
    health.router,
)
