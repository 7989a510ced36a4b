"""`python -m reference` writes the pages that are made from the code, and the pictures of `docs/hops.md`.

python -m reference           after a change of settings, commands, calls, problem codes or the shipped reader
python -m reference --check   only says what is no longer so, and then ends with 1
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from reference.calls import calls_page
from reference.commands import commands_page
from reference.hops import PICTURES, picture
from reference.problems import problems_page
from reference.settings import settings_page

DOCS = Path(__file__).parents[1] / "docs"


def pages() -> Mapping[Path, str]:
    """Every page that is made, by the file that it belongs in."""
    return {
        DOCS / "reference" / "settings.md": settings_page(),
        DOCS / "reference" / "commands.md": commands_page(),
        DOCS / "reference" / "calls.md": calls_page(),
        DOCS / "reference" / "problems.md": problems_page(),
    }


def main() -> None:
    """Write what is not so, or with --check only name it."""
    differing = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in differing:
        print(path.relative_to(DOCS.parent))
    if "--check" in sys.argv[1:]:
        sys.exit(1 if differing else 0)
    for path in differing:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
    for name in PICTURES:
        (DOCS / "pictures" / f"{name}.svg").write_text(picture(name), encoding="utf-8")


if __name__ == "__main__":
    main()
