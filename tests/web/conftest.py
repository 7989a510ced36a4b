"""One service and one Chromium for all tests of the page; each test has browser contexts of its own, all watched."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from app.settings import Settings
from tests.app.running import RunningService, running

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "build" / "screenshots"))
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
GAMES = ROOT / "tests/acceptance/kbs/boardgames.tsv"
MANY = 300
REDRAWN_MS = 250
NewPage = Callable[..., Page]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """An open service with a knowledge base `games`, and one of many facts about one thing, `many`."""
    settings = Settings(
        data=tmp_path_factory.mktemp("page"),
        threads=1,
        log_level="warning",
        worker_poll_seconds=0.1,
        job_heartbeat_seconds=0.1,
        training_steps=4,
    )
    with running(settings) as started:
        for name, data in (("games", GAMES.read_bytes()), ("many", _many())):
            assert started.http.post("/v1/kbs", json={"name": name}).status_code == 201
            assert started.ingest(name, data)["state"] == "succeeded"
        yield started


def _many() -> bytes:
    lines = [f"Village {number}\tlocated in\tNorway" for number in range(MANY)]
    return "\n".join([*lines, "Oslo\tcapital of\tNorway", "Norway\tcurrency\tkrone"]).encode()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; Playwright brings none.

    Not for the whole session: while Playwright runs, no other test in the process can run an event loop.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium here: scripts/browser installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


class Watch:
    """What a browser context did that it should not: complaints of its console, requests that leave the machine."""

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.expected: list[str] = []
        self._host = host
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._see)

    def expect(self, complaint: str) -> None:
        """A complaint that a test provokes: Chromium tells of every reply that is no success."""
        self.expected.append(complaint)

    def check(self) -> None:
        """Nothing but what was expected."""
        found = [one for one in self.complaints if not any(expected in one for expected in self.expected)]
        assert (found, self.elsewhere) == ([], [])

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != self._host:
            self.elsewhere.append(request.url)


@pytest.fixture
def watch() -> list[Watch]:
    """The watches of this test's contexts."""
    return []


@pytest.fixture
def open_page(chromium: Browser, service: RunningService, watch: list[Watch]) -> Iterator[NewPage]:
    """Opens an address of the service in a context of its own; at the end, all of them must have behaved."""
    contexts = []

    def opened(address: str, size: str = "desktop", theme: str = "light", **options: object) -> Page:
        width, height = SIZES[size]
        context = chromium.new_context(
            base_url=service.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=size == "phone",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch.append(Watch(context, urlsplit(service.url).netloc))
        page = context.new_page()
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    for one in watch:
        one.check()


def settled(page: Page) -> None:
    """Wait until nothing is loading any more, fonts included."""
    expect(page.locator(".waiting:visible, [aria-busy=true], .htmx-request")).to_have_count(0)
    page.evaluate("document.fonts.ready.then(() => true)")


def until(page: Page, claim: str) -> None:
    """Wait until an expression is true; Playwright's own way of that needs `eval`, which the content policy forbids."""
    deadline = time.monotonic() + 15
    while not page.evaluate(claim):
        assert time.monotonic() < deadline, claim
        page.wait_for_timeout(20)


def look(page: Page, size: str, theme: str) -> None:
    """Change the window and the system's theme under a page."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    if page.locator("[data-graph]").count():
        page.wait_for_timeout(REDRAWN_MS)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


def note(figure: str) -> None:
    """A figure that was measured, kept beside the pictures."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with (SCREENSHOTS / "figures.txt").open("a", encoding="utf-8") as file:
        file.write(f"{figure}\n")


def picture(page: Page, name: str) -> None:
    """A screenshot of the whole page, kept for whoever wants to look."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
