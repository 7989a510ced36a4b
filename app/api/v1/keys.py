"""Endpoints for API keys."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from app.api.bodies import KeyBody
from app.api.replies import KeysReply, NewKeyReply
from app.dependencies import Admin, Id, Service, body_of, gives, reply, takes
from app.errors import Problem
from app.keys import NewKey

_LAST = datetime(9999, 1, 1, tzinfo=UTC)
"""Beyond it a time zone may put a time into a year that Python does not have."""
router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post(
    "",
    status_code=201,
    response_model=NewKeyReply,
    openapi_extra=takes(KeyBody),
    responses=gives(400, 404, 409, 415, 507),
)
async def create_key(access: Admin, service: Service, body: Annotated[KeyBody, Depends(body_of(KeyBody))]) -> Response:
    """Make a key; this reply is the only place that ever shows it."""
    if body.expires_at is not None and body.expires_at.tzinfo is None:
        raise Problem(422, "invalid_body", "expires_at: give a time zone, as in 2030-01-31T12:00:00Z.")
    if body.expires_at is not None and body.expires_at > _LAST:
        raise Problem(422, "invalid_body", "expires_at: give a time before the year 9999, or none.")
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        raise Problem(422, "invalid_body", "expires_at: give a time to come; this one has passed.")
    access.check("admin", body.kb)
    if body.kb is None:
        access.check_all_kbs("A key for one KB can only make keys for that KB.")
    new = NewKey(body.name, body.scope, body.kb, body.expires_at)
    key, secret = await service.writers.run(service.keys.create, new, access.kb_id)
    return reply({**key.envelope(), "key": secret}, 201)


@router.get("", response_model=KeysReply, responses=gives())
def list_keys(access: Admin, service: Service) -> Response:
    """All keys that the caller's key may see, without their secrets."""
    return reply({"keys": [key.envelope() for key in service.keys.stored(access.kb_id)]})


@router.delete("/{key_id}", status_code=204, response_class=Response, responses=gives(404, 507))
async def revoke_key(key_id: Id, access: Admin, service: Service) -> Response:
    """Revoke a key: it is refused from now on."""
    await service.writers.run(service.keys.revoke, key_id, access.kb_id)
    return Response(status_code=204)
