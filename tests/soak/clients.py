"""One client: random calls, each reply held against the plain model."""

import gzip
import json
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import httpx
import zstandard

from tests.soak.plain import FORMATS, RELATIONS, Fact, Held, Names, without, written

JOB_SECONDS = 120.0
MOST_SMALL, MOST_BULK = 12, 150


class Difference(AssertionError):
    """The service and the plain model disagree, or a reply was none that the API declares."""


class DatabaseAway(Exception):
    """The service could not reach its database, and said so."""


class Doubt:
    """A call that was cut off: what is held is as before it or as after it, never something else."""

    def __init__(self, kb: str, before: Held, after: Held) -> None:
        self.kb = kb
        self.before = before
        self.after = after


class SoakClient:
    """Writes, deletes, asks and looks up facts about names of its own in KBs that it shares, and in one of its own."""

    def __init__(self, name: str, shared: Sequence[str], seed: str, *, may_lose_database: bool = False) -> None:
        self.name = name
        self.may_lose_database = may_lose_database
        self.random = Random(seed)
        self.names = Names(name, self.random)
        self.held: dict[str, Held] = {kb: {} for kb in shared}
        self.own = f"own-{name}"
        self.doubt: Doubt | None = None
        self.done = 0
        self.http = httpx.Client()

    def connect(self, url: httpx.URL) -> None:
        """Talk to the service at an address from now on."""
        self.http.close()
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def run(self, count: int) -> None:
        """Make so many calls, or as many as get through until the service or its database is gone.

        Raises:
            Difference: something is not as it must be.
        """
        for _ in range(count):
            call: Callable[[str], None] = self.random.choices(CALLS, WEIGHTS)[0].__get__(self)
            try:
                call(self.random.choice(list(self.held)))
            except (httpx.TransportError, DatabaseAway):
                return
            self.done += 1

    def settle(self) -> None:
        """Find out what became of the call that was cut off."""
        if self.doubt is None:
            return
        doubt, self.doubt = self.doubt, None
        found = self.exported(doubt.kb)
        for held in (doubt.before, doubt.after):
            if found == set(held):
                self.held[doubt.kb] = held
                return
        raise Difference(f"{self.name}: neither before nor after a call that was cut off: {sorted(found)[:5]}")

    def check(self) -> None:
        """Compare everything that it wrote."""
        for kb, held in self.held.items():
            self._same(self.exported(kb), set(held), f"export of {kb}")

    def exported(self, kb: str) -> set[Fact]:
        """Its own facts in an export of a KB."""
        reply = self._get(f"/v1/kbs/{kb}/export", format="jsonl")
        lines = [json.loads(line) for line in reply.text.splitlines()]
        return self._mine(Fact(*(_label(line[part]) for part in ("subject", "relation", "object"))) for line in lines)

    def _small_write(self, kb: str) -> None:
        facts, source = self.names.facts("thing", MOST_SMALL), self._source()
        after = written(self.held[kb], facts, source)
        body = {"triples": [dict(zip(("subject", "relation", "object"), fact, strict=True)) for fact in facts]}
        parameters = {"source": source} if source else {}
        if self.random.random() < 0.05:
            body["triples"].append({"subject": " ", "relation": "made by", "object": "nothing"})
            reply = self.http.post(f"/v1/kbs/{kb}/triples", params=parameters, json=body)
            self._status(reply, 422)
            return
        with self._change(kb, after):
            reply = self.http.post(f"/v1/kbs/{kb}/triples", params=parameters, json=body)
            self._status(reply, 200)
            new = len(after) - len(self.held[kb])
            self._same(reply.json()["accepted"], new, f"accepted by a write to {kb}")

    def _bulk_write(self, kb: str) -> None:
        form = self.random.choice(FORMATS)
        facts, source = self.names.facts(form.kind, MOST_BULK), self._source()
        data, headers = form.text(facts).encode(), {"Content-Type": form.media_type}
        packing = self.random.choice((None, None, "gzip", "zstd"))
        if packing:
            pack = gzip.compress if packing == "gzip" else zstandard.ZstdCompressor().compress
            data, headers = pack(data), headers | {"Content-Encoding": packing}
        after = written(self.held[kb], facts, source)
        with self._change(kb, after) as change:
            parameters = {"source": source} if source else {}
            reply = self.http.post(f"/v1/kbs/{kb}/triples", params=parameters, headers=headers, content=data)
            self._status(reply, 202)
            job_id = reply.json()["id"]
            cancels = self.random.random() < 0.1
            if cancels:
                self._status(self.http.delete(f"/v1/jobs/{job_id}"), 202, 409)
            job = self._ended(job_id)
            if job["state"] == "cancelled" and cancels:
                change.after = self.held[kb]
                return
            self._same((job["state"], job["error"]), ("succeeded", None), "state of a job")
            self._same(job["accepted"], len(after) - len(self.held[kb]), f"accepted by a job on {kb}")

    def _delete_by_filter(self, kb: str) -> None:
        subject, relation, source = self.names.subject("thing"), self.random.choice(RELATIONS), self._source()
        parameters, is_deleted = self.random.choice(
            (
                ({"subject": subject}, lambda fact, _: fact.subject == subject),
                ({"subject": subject, "relation": relation}, lambda fact, _: fact[:2] == (subject, relation)),
                ({"source": source or "none"}, lambda _, held: held == (source or "none")),
            )
        )
        with self._change(kb, without(self.held[kb], is_deleted)):
            self._status(self.http.request("DELETE", f"/v1/kbs/{kb}/triples", params=parameters), 200)

    def _delete_these(self, kb: str) -> None:
        things = [fact for fact in self.held[kb] if " thing " in fact.subject]
        facts = {
            *self.random.sample(things, min(len(things), self.random.randint(0, 5))),
            *self.names.facts("thing", 2),
        }
        body = {"triples": [dict(zip(("subject", "relation", "object"), fact, strict=True)) for fact in sorted(facts)]}
        with self._change(kb, without(self.held[kb], lambda fact, _: fact in facts)):
            self._status(self.http.request("DELETE", f"/v1/kbs/{kb}/triples", json=body), 200)

    def _ask(self, kb: str) -> None:
        subject = self.names.subject("thing")
        question = f"what is the {self.random.choice(RELATIONS)} of {subject}?"
        reply = self.http.post(f"/v1/kbs/{kb}/ask", json={"question": question})
        self._status(reply, 200)
        facts = [fact for answer in reply.json()["answers"] for fact in answer["evidence"]]
        proof = self._mine(Fact(*(_label(fact[part]) for part in ("subject", "relation", "object"))) for fact in facts)
        self._same(proof - set(self.held[kb]), set(), f"evidence of {question!r} that is not there")

    def _browse(self, kb: str) -> None:
        subject = self.names.subject(self.random.choice(("thing", "iri")))
        page = self._get(f"/v1/kbs/{kb}/triples", subject=subject, limit="1000").json()["triples"]
        found = {Fact(*(_label(one[part]) for part in ("subject", "relation", "object"))) for one in page}
        self._same(found, {fact for fact in self.held[kb] if fact.subject == subject}, f"facts of {subject}")

    def _complete(self, kb: str) -> None:
        found = {_label(one) for one in self._get(f"/v1/kbs/{kb}/entities", q=f"{self.name} ").json()["entities"]}
        known = {label for fact in self.held[kb] for label in (fact.subject, fact.value)}
        self._same(found - known, set(), "names that no fact has any more")

    def _begin_again(self, _: str) -> None:
        """Delete its own KB and make it anew."""
        if self.random.random() < 0.5:
            return
        with self._change(self.own, {}):
            self._status(self.http.delete(f"/v1/kbs/{self.own}"), 204, 404)
        self._status(self.http.get(f"/v1/kbs/{self.own}"), 404)
        self.make_own()

    def make_own(self) -> None:
        """Make the KB of its own; it may be there after a call that was cut off."""
        self._status(self.http.post("/v1/kbs", json={"name": self.own}), 201, 409)
        self.held.setdefault(self.own, {})

    def _source(self) -> str | None:
        return self.random.choice((None, f"{self.name} list", f"{self.name} file"))

    def _mine(self, facts: Iterable[Fact]) -> set[Fact]:
        return {fact for fact in facts if fact.subject.startswith(f"{self.name} ")}

    def _ended(self, job_id: int) -> dict[str, Any]:
        deadline = time.monotonic() + JOB_SECONDS
        while time.monotonic() < deadline:
            job: dict[str, Any] = self._get(f"/v1/jobs/{job_id}").json()
            if job["state"] in ("succeeded", "failed", "cancelled"):
                return job
            time.sleep(0.02)
        raise Difference(f"job {job_id} did not end")

    def _get(self, path: str, **parameters: str) -> httpx.Response:
        reply = self.http.get(path, params=parameters)
        self._status(reply, 200)
        return reply

    def _change(self, kb: str, after: Held) -> "_Change":
        return _Change(self, kb, after)

    def _status(self, reply: httpx.Response, *allowed: int) -> None:
        if self.may_lose_database and reply.status_code == 503 and reply.json()["code"] == "database_unavailable":
            raise DatabaseAway
        if reply.status_code not in allowed:
            request = f"{reply.request.method} {reply.request.url}"
            raise Difference(f"{self.name}: {request} gave {reply.status_code}: {reply.text[:300]}")

    def _same(self, found: object, wanted: object, what: str) -> None:
        if found != wanted:
            raise Difference(f"{self.name}, call {self.done}: {what}: {found!r:.600}, not {wanted!r:.600}")


class _Change:
    """A call that changes what is held: in doubt until its reply is there."""

    def __init__(self, client: SoakClient, kb: str, after: Held) -> None:
        self._client = client
        self._kb = kb
        self.after = after

    def __enter__(self) -> "_Change":
        self._client.doubt = Doubt(self._kb, self._client.held[self._kb], self.after)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self._client.held[self._kb], self._client.doubt = self.after, None


def _label(term: Any) -> str:
    return str(term if isinstance(term, str) else term["label"])


CALLS: tuple[Callable[[SoakClient, str], None], ...] = (
    SoakClient._small_write, SoakClient._bulk_write, SoakClient._delete_by_filter, SoakClient._delete_these,
    SoakClient._ask, SoakClient._browse, SoakClient._complete, SoakClient._begin_again,
)  # fmt: skip
WEIGHTS = (20, 6, 8, 10, 25, 20, 10, 1)
