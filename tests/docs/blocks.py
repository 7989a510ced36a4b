"""The fenced blocks of a page: what is run, what it prints, and why something is not run."""

import re
from dataclasses import dataclass
from pathlib import Path

NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
FENCE = re.compile(r"^```(\w*)$")


@dataclass(frozen=True)
class Block:
    """One block, where it stands, and what is noted above it."""

    line: int
    language: str
    text: str
    reason: str | None
    """Why it is not run; None for one that is."""


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of a page, in their order."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        if opened := FENCE.match(lines[number]):
            end = lines.index("```", number + 1)
            noted = NOT_RUN.match(lines[number - 1]) if number else None
            text = "\n".join(lines[number + 1 : end])
            found.append(Block(number + 1, opened[1], text, noted[1] if noted else None))
            number = end
        number += 1
    return found


def pattern_of(expected: str) -> re.Pattern[str]:
    """What a block says that is printed, as a pattern: `...` is anything on a line, alone on a line any lines."""
    parts = []
    for line in expected.splitlines():
        if line == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(map(re.escape, line.rstrip().split("..."))) + r"[ ]*\n")
    return re.compile("".join(parts))


def printed(text: str) -> str:
    """What was printed, without the empty lines that a progress bar leaves."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())
