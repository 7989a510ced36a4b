"""The site is built strictly, leads nowhere that is not there, asks no other host, and finds what is searched for."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.docs.test_docs import ROOT
from tests.web.conftest import ARGUMENTS

pytest.importorskip("mkdocs", reason="MkDocs is not here: pip install the extra `docs`")

FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("object", "data"),
    ("link", "href"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `scripts/docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run([ROOT / "scripts" / "docs", folder], capture_output=True, text=True, check=False, timeout=240)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    return folder


class Addresses(HTMLParser):
    """What a page fetches, what it leads to, and the places in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif (tag, name) in FETCHED and value and dict(attrs).get("rel") not in ("canonical", "prev", "next"):
                self.fetched.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)


def test_every_page_of_the_documentation_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site) for path in site.rglob("*.html")} - {Path("404.html")}
    assert {page.with_name("index.html") if page.name == "README.html" else page for page in pages} == built


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for address in Addresses(page).fetched:
            assert not urlsplit(address).netloc, f"{page.name}: {address}"
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*|@import[^;]*//[^;]*", sheet.read_text("utf-8")) == [], sheet


def test_every_link_in_the_site_leads_to_a_file_and_a_place_of_it(site: Path) -> None:
    pages = {page: Addresses(page) for page in site.rglob("*.html") if page.name != "404.html"}
    for page, addresses in pages.items():
        for link in addresses.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            found = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            found = found / "index.html" if found.is_dir() else found
            assert found.is_file(), f"{page.relative_to(site)}: {link}"
            if parts.fragment and found in pages:
                place = unquote(parts.fragment)
                assert place in pages[found].places | {"__skip"}, f"{page.relative_to(site)}: {link}"


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The address of the site on a free port."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_search_works_in_a_browser_that_reaches_no_other_host(served: str) -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium here: scripts/browser installs it")
    elsewhere: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_page()
        page.on(
            "request", lambda request: elsewhere.append(request.url) if not request.url.startswith(served) else None
        )
        page.goto(f"{served}/index.html")
        meta = page.locator(".md-search-result__meta")
        expect(meta).to_have_text("Type to start searching", timeout=60_000)  # before, what is typed is not heard
        page.locator("input.md-search__input").press_sequentially("abstention")
        found = page.locator(".md-search-result__link").first
        found.wait_for(timeout=60_000)
        titles = page.locator(".md-search-result__link").all_inner_texts()
        browser.close()
    assert any("Tune abstention" in title for title in titles)
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
