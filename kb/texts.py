"""Many short texts in two arrays: one UTF-8 blob and the offsets into it; fit to be memory-mapped."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TextTable:
    """Texts by number, decoded when asked for."""

    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "TextTable":
        """A table of these texts."""
        builder = TextTableBuilder()
        builder.extend(texts)
        return builder.table()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> str:
        return bytes(self.blob[self.offsets[number] : self.offsets[number + 1]].data).decode()


class TextTableBuilder:
    """Collects texts batch by batch, as bytes: no Python string is kept."""

    def __init__(self) -> None:
        self._blob = bytearray()
        self._lengths: list[NDArray[np.int64]] = []

    def extend(self, texts: Iterable[str]) -> None:
        """Append the texts in order."""
        encoded = [text.encode() for text in texts]
        self._lengths.append(np.fromiter(map(len, encoded), np.int64, len(encoded)))
        self._blob += b"".join(encoded)

    def table(self) -> TextTable:
        """What was collected; nothing can be added any more."""
        lengths = np.concatenate([np.zeros(1, np.int64), *self._lengths])
        return TextTable(np.frombuffer(self._blob, np.uint8), np.cumsum(lengths))
