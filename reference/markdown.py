"""Pieces of Markdown that every page of the reference is made of."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar in a cell would end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """A short text as code, nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def page(title: str, introduction: str, sections: Iterable[str]) -> str:
    """A page that says that it is made, and so is not to be changed by hand."""
    made = "<!-- Made by `python -m reference` from the code: change that, and make it anew. -->"
    return "\n\n".join([f"# {title}", made, introduction, *sections]) + "\n"
