"""What MkDocs does beside its own: links of pages to files outside `docs/` lead to copies of these in the site.

On the repository such a link leads to the file itself; a site has no repository beside it.
"""

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)\)")
FOLDER = "files"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside `docs/` that pages lead to."""
    docs = Path(config.docs_dir)
    for file in [*files.documentation_pages()]:
        for target in LINK.findall(file.content_string):
            if found := outside(docs, file.src_uri, target):
                files.append(File.generated(config, copied(docs, found), abs_src_path=str(found)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let these links lead to the copies."""
    docs = Path(config.docs_dir)
    up = "../" * (len(PurePosixPath(page.file.src_uri).parts) - 1)

    def link(match: re.Match[str]) -> str:
        found = outside(docs, page.file.src_uri, match[1])
        return f"]({up}{copied(docs, found)})" if found else match[0]

    return LINK.sub(link, markdown)


def outside(docs: Path, page: str, target: str) -> Path | None:
    """The file that a link of a page leads to, if it lies outside `docs/` and is there."""
    found = (docs / page).parent.joinpath(target).resolve()
    return found if found.is_file() and not found.is_relative_to(docs.resolve()) else None


def copied(docs: Path, file: Path) -> str:
    """Where the copy lies in the site; names that begin with a dot would be left out."""
    name = "-".join(file.relative_to(docs.resolve().parent).parts).lstrip(".")
    return f"{FOLDER}/{name}"
