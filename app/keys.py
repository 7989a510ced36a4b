"""API keys: made, hashed, recognised, checked; every key query, and nothing of the web.

A key is `hf_<prefix>_<secret>`: the prefix finds its row and may be shown, the secret is 256 random bits, of which only
the SHA-256 is kept (a slow hash protects weak secrets; these are not). Bound to loopback with no key made, the service
is open, but only to requests that name a loopback host: a web page that tricks a browser into asking names its own.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from threading import Lock
from time import monotonic
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Engine, delete, exists, insert, or_, select

from app import tables
from app.errors import FirstKeyMustBeAdmin, KeyRefused, NotFound, ScopeTooSmall
from app.settings import Settings, is_loopback
from kb.database import writing
from kb.errors import KbNotFound
from kb.store import TripleStore
from kb.tables import kb as kb_table

Scope = Literal["ask", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_KEY = re.compile(r"hf_([a-z2-7]{10})_([A-Za-z0-9_-]{43})")
_MAX_REMEMBERED = 10_000
_key = tables.api_key
_with_kb = _key.outerjoin(kb_table, (kb_table.c.id == _key.c.kb_id) & kb_table.c.deleted_at.is_(None))
_is_usable = or_(_key.c.kb_id.is_(None), kb_table.c.id.is_not(None))
"""Not of a key whose KB was deleted: joined to nothing, it must not look like one for all."""


@dataclass(frozen=True)
class Access:
    """What a caller may do: everything up to `scope`, on the KB named `kb` or on all.

    `key` names the key in logs and limits: its prefix, `root` for that of the environment, empty where none is needed.
    `kb_id` is the id that the KB must have when it is looked up: a later one of its name has other callers.
    """

    scope: Scope
    kb: str | None
    key: str = ""
    kb_id: int | None = None

    def check(self, needed: Scope, kb: str | None = None) -> None:
        """Refuse what goes beyond the scope; another KB is as if it did not exist."""
        if kb is not None and self.kb not in (None, kb):
            raise KbNotFound(kb)
        if SCOPES.index(self.scope) < SCOPES.index(needed):
            raise ScopeTooSmall(f"This needs a key with scope {needed!r}; yours has {self.scope!r}.")

    def check_all_kbs(self, reason: str) -> None:
        """Refuse a key for one KB."""
        if self.kb is not None:
            raise ScopeTooSmall(reason)


EVERYTHING = Access("admin", None)
ROOT = Access("admin", None, "root")


@dataclass(frozen=True)
class NewKey:
    """What a key is made for; `kb` None reaches all."""

    name: str
    scope: Scope
    kb: str | None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Key:
    """A key without its secret."""

    id: int
    name: str
    prefix: str
    scope: Scope
    kb: str | None
    created_at: datetime
    expires_at: datetime | None

    def envelope(self) -> dict[str, Any]:
        """The key as the API shows it."""
        return dict(vars(self))


class KeyRing:
    """Recognises keys, from any thread; what it knows of the database is at most `key_cache_seconds` old."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._is_loopback = settings.is_loopback
        self._cache_seconds = settings.key_cache_seconds
        root = settings.api_key.get_secret_value() if settings.api_key else None
        self._root = None if root is None else _digest(root)
        self._remembered: dict[bytes, tuple[Access, float]] = {}
        self._open_until = 0.0
        self._num_forgotten = 0
        self._lock = Lock()

    def remembered(self, authorization: str | None, host: str) -> Access | None:
        """What `authenticate` found a moment ago, without asking the database; None when it must be asked."""
        if authorization is None:
            return EVERYTHING if monotonic() < self._open_until and _names_loopback(host) else None
        access, until = self._remembered.get(_digest(_token(authorization)), (None, 0.0))
        return access if monotonic() < until else None

    def authenticate(self, authorization: str | None, host: str) -> Access:
        """The rights of an Authorization header, or of none while the service is open.

        Raises:
            KeyRefused: there is no key and one is needed, or it is unknown, expired or revoked.
        """
        num_forgotten = self._num_forgotten  # what is found from here on may be older than what is forgotten meanwhile
        if authorization is None:
            self._check_open(host)
            with self._lock:
                if self._num_forgotten == num_forgotten:
                    self._open_until = monotonic() + self._cache_seconds
            return EVERYTHING
        token = _token(authorization)
        digest = _digest(token)
        if self._root is not None and hmac.compare_digest(digest, self._root):
            access, seconds = ROOT, self._cache_seconds
        else:
            access, seconds = self._find(token, digest)
        with self._lock:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            if self._num_forgotten == num_forgotten:
                self._remembered[digest] = (access, monotonic() + seconds)
        return access

    def is_locked(self) -> bool:
        """Whether any key is there, so that requests need one."""
        if self._root is not None:
            return True
        with self._engine.connect() as connection:
            return bool(connection.scalar(select(exists(select(_key.c.id)))))

    def create(self, new: NewKey, only: int | None = None) -> tuple[Key, str]:
        """A new key and its text, which is not kept; `only` is the id that its KB must have.

        Raises:
            KbNotFound: there is no such KB.
            FirstKeyMustBeAdmin: a first key would lock its maker out.
        """
        if not self.is_locked() and (new.scope != "admin" or new.kb is not None):
            raise FirstKeyMustBeAdmin
        prefix = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(10))
        text = f"hf_{prefix}_{secrets.token_urlsafe(32)}"
        with writing(self._engine) as connection:
            kb_id = None if new.kb is None else TripleStore(connection).kb(new.kb, only).id
            number = connection.scalar(
                insert(_key)
                .values(
                    name=new.name,
                    prefix=prefix,
                    digest=_digest(text),
                    scope=new.scope,
                    kb_id=kb_id,
                    created_at=datetime.now(UTC),
                    expires_at=new.expires_at,
                )
                .returning(_key.c.id)
            )
        self.forget()
        return next(key for key in self.stored() if key.id == number), text

    def stored(self, kb_id: int | None = None) -> list[Key]:
        """All keys, or those for one KB; oldest first."""
        rows = (
            select(_key.c.id, _key.c.name, _key.c.prefix, _key.c.scope, kb_table.c.name.label("kb"))
            .add_columns(_key.c.created_at, _key.c.expires_at)
            .select_from(_with_kb)
            .where(_is_usable)
            .order_by(_key.c.id)
        )
        if kb_id is not None:
            rows = rows.where(_key.c.kb_id == kb_id)
        with self._engine.connect() as connection:
            return [Key(**row._mapping) for row in connection.execute(rows)]

    def revoke(self, key_id: int, kb_id: int | None = None) -> None:
        """Delete a key, which must be for the KB of `kb_id` if that is given.

        Raises:
            NotFound: there is none, or not for this KB.
        """
        if all(key.id != key_id for key in self.stored(kb_id)):
            raise NotFound("key", key_id)
        with writing(self._engine) as connection:
            connection.execute(delete(_key).where(_key.c.id == key_id))
        self.forget()

    def _find(self, token: str, digest: bytes) -> tuple[Access, float]:
        """What a key may do, and for how many seconds that may be remembered."""
        shape = _KEY.fullmatch(token)
        if shape is None:
            raise KeyRefused("This is no key of this service: keys look like hf_….")
        now = datetime.now(UTC)
        valid = or_(_key.c.expires_at.is_(None), _key.c.expires_at > now)
        rows = (
            select(_key.c.digest, _key.c.scope, kb_table.c.name, _key.c.kb_id, _key.c.expires_at)
            .select_from(_with_kb)
            .where(_key.c.prefix == shape[1], _is_usable, valid)
        )
        with self._engine.connect() as connection:
            for stored, scope, kb, kb_id, expires_at in connection.execute(rows):
                if hmac.compare_digest(bytes(stored), digest):
                    left = inf if expires_at is None else (expires_at - now).total_seconds()
                    return Access(scope, kb, shape[1], kb_id), min(self._cache_seconds, left)
        raise KeyRefused("The key is unknown, expired or revoked: ask an admin for a new one.")

    def _check_open(self, host: str) -> None:
        if not self._is_loopback or self.is_locked():
            raise KeyRefused("Send an API key: Authorization: Bearer hf_…")
        if not _names_loopback(host):
            raise KeyRefused(
                f"Without a key, only requests to a loopback host are served, not to {host!r}: make a key, "
                "with `hopfact keys create`."
            )

    def forget(self) -> None:
        """Ask the database again, from the next request on."""
        with self._lock:
            self._num_forgotten += 1
            self._remembered.clear()
            self._open_until = 0.0


def rows_of_keys(connection: Connection) -> list[dict[str, Any]]:
    """All keys as JSON can hold them: their digests, never their secrets."""
    rows = (
        select(_key.c.name, _key.c.prefix, _key.c.digest, _key.c.scope, kb_table.c.name.label("kb"))
        .add_columns(_key.c.created_at, _key.c.expires_at)
        .select_from(_with_kb)
        .where(_is_usable)
        .order_by(_key.c.id)
    )
    return [
        {
            **row._mapping,
            "digest": bytes(row.digest).hex(),
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at and row.expires_at.isoformat(),
        }
        for row in connection.execute(rows)
    ]


def revoke_keys_of(connection: Connection, kb_id: int) -> None:
    """Delete the keys that are for one KB; whoever calls it makes the key ring forget them once that is committed."""
    connection.execute(delete(_key).where(_key.c.kb_id == kb_id))


def restore_keys(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Record keys as `rows_of_keys` gave them, but those that are there.

    Give how many were not, and the names of those that are left out, because their KB is not there.
    """
    there = set(connection.scalars(select(_key.c.prefix)))
    kb_ids = {kb.name: kb.id for kb in TripleStore(connection).kbs()}
    missing = [row for row in rows if row["prefix"] not in there]
    restored = [row for row in missing if row["kb"] is None or row["kb"] in kb_ids]
    for row in restored:
        values = {
            **row,
            "digest": bytes.fromhex(row["digest"]),
            "kb_id": kb_ids.get(row["kb"]),
            "created_at": datetime.fromisoformat(row["created_at"]),
            "expires_at": row["expires_at"] and datetime.fromisoformat(row["expires_at"]),
        }
        del values["kb"]
        connection.execute(insert(_key).values(values))
    return len(restored), [row["name"] for row in missing if row not in restored]


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _names_loopback(host: str) -> bool:
    """Whether a Host header names this machine: `localhost:8000`, `127.0.0.1`, `[::1]:8000`."""
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return is_loopback(name)
