"""Everything beside asking, in a real browser: making, uploading, jobs, browsing, models, evaluation, keys, stories."""

import gzip
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.app.running import RunningService
from tests.web.conftest import NewPage, Watch, look, picture, settled, until
from tests.web.test_every_page import LOOKS, violations

FILMS = "Sunrise\tdirected by\tF. W. Murnau\nonly two\tcells\nF. W. Murnau\tborn in\tBielefeld\n"
QUESTIONS = Path(__file__).parents[1] / "acceptance/kbs/boardgames.jsonl"


def test_a_knowledge_base_is_made_filled_and_asked(open_page: NewPage) -> None:
    page = open_page("/ui")
    page.get_by_label("Name").fill("films")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/ui/kbs/films/upload")
    page.get_by_label("Paste").fill(FILMS)
    preview = page.locator("#preview")
    expect(preview).to_contain_text("2 facts, 1 line that will be left out")
    expect(preview.get_by_role("cell", name="F. W. Murnau").first).to_be_visible()
    expect(preview).to_contain_text("2 fields, not 3")
    picture(page, "upload-preview-desktop-light")
    assert violations(page) == []
    page.get_by_role("button", name="Upload").click()
    job = page.locator("#job")
    expect(job).to_contain_text("2 new facts, 0 known already, 1 line left out")
    job.get_by_text("Lines left out").click()
    expect(job.locator(".rejected")).to_contain_text("2 fields, not 3")
    with page.expect_download() as download:
        job.get_by_role("button", name="Download them all").click()
    assert Path(download.value.path()).read_text() == "number\treason\ttext\n2\t2 fields, not 3\tonly two\tcells\n"
    job.get_by_role("link", name="Ask").click()
    page.wait_for_url("**/ui/kbs/films")
    settled(page)
    page.get_by_role("combobox", name="Question").fill("Where was the director of Sunrise born?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Bielefeld")).to_be_visible()


def test_a_name_that_is_taken_or_none_is_refused_in_words(open_page: NewPage, watch: list[Watch]) -> None:
    page = open_page("/ui")
    watch[0].expect("4")
    page.get_by_label("Name").fill("games")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("[data-code=kb_exists]")).to_be_visible()
    page.get_by_label("Name").fill("No Name!")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("[data-code=invalid_body]")).to_contain_text("lower-case letters")


def test_an_empty_knowledge_base_says_what_to_do(open_page: NewPage, service: RunningService) -> None:
    page = open_page(f"/ui/kbs/{service.kb()}")
    page.get_by_role("link", name="Upload facts").click()
    expect(page.get_by_role("heading", name="Upload facts")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "data", "format"),
    [
        ("facts.tsv.gz", gzip.compress(FILMS.encode(), mtime=0), "text/tab-separated-values"),
        ("facts.csv", b'subject,relation,object\n"Sunrise",directed by,"F. W. Murnau"\nx,y\na,b,c\n', "text/csv"),
        (
            "facts.jsonl",
            b'{"subject": "a", "relation": "b", "object": "c"}\n{\n{"subject": "d", "relation": "e", "object": 1}\n',
            "application/x-ndjson",
        ),
        (
            "facts.nt",
            b"<http://x/a> <http://x/b> <http://x/c> .\nnonsense\n<http://x/a> <http://x/b> <http://x/d> .\n",
            "application/n-triples",
        ),
    ],
)
def test_a_file_is_dropped_looked_at_and_uploaded(
    open_page: NewPage, service: RunningService, name: str, data: bytes, format: str
) -> None:
    kb = service.kb()
    page = open_page(f"/ui/kbs/{kb}/upload")
    drop(page, name, data)
    expect(page.get_by_label("Format")).to_have_value(format)
    expect(page.locator("#preview")).to_contain_text("2 facts, 1 line that will be left out")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#job")).to_contain_text("2 new facts")
    assert len(service.facts(kb)) == 2


def drop(page: Page, name: str, data: bytes) -> None:
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [name, list(data)],
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})


def test_a_large_upload_shows_its_progress_and_can_be_cancelled(open_page: NewPage, service: RunningService) -> None:
    kb = service.kb()
    lines = "\n".join(f"Thing {number}\tkind {number % 9}\tOther {number % 1000}" for number in range(200_000))
    page = open_page(f"/ui/kbs/{kb}/upload")
    page.set_input_files("#file", {"name": "big.tsv", "mimeType": "text/plain", "buffer": lines.encode()})
    expect(page.locator("#preview")).to_contain_text("facts")
    page.get_by_role("button", name="Upload").click()
    progress = page.get_by_role("progressbar", name=re.compile("Progress of job"))
    expect(progress).to_be_visible()
    until(page, "document.querySelector('#job progress')?.value > 0")
    picture(page, "upload-progress-desktop-light")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job .state")).to_have_text("cancelled")
    assert service.facts(kb) == set()


def test_turtle_that_is_wrong_is_said_before_it_is_sent(open_page: NewPage) -> None:
    page = open_page("/ui/kbs/games/upload")
    page.get_by_label("Format").select_option("text/turtle")
    page.get_by_label("Paste").fill("<http://x/a> <http://x/b> ;;; nonsense")
    expect(page.locator("#preview")).to_contain_text("It cannot be read to its end")


def test_jobs_are_listed_and_filtered(open_page: NewPage) -> None:
    page = open_page("/ui/jobs")
    expect(page.locator("#jobs li").first).to_be_visible()
    page.get_by_role("textbox", name="Knowledge base").fill("many")
    expect(page.locator("#jobs li")).to_have_count(1)
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_role("heading", name="No job is like that")).to_be_visible()


def test_facts_entities_and_relations_are_browsed(open_page: NewPage) -> None:
    page = open_page("/ui/kbs/games")
    page.get_by_role("link", name="Browse").click()
    expect(page.get_by_role("table", name="Facts").get_by_role("row")).to_have_count(52)  # head, 50 facts, More
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("table", name="Facts").get_by_role("row")).to_have_count(102)
    page.get_by_label("Relation", exact=True).fill("publisher")
    expect(page.get_by_role("button", name="More")).to_have_count(0)
    page.get_by_role("link", name="Relations").click()
    page.get_by_role("link", name="designer", exact=True).click()
    expect(page.get_by_label("Relation", exact=True)).to_have_value("designer")
    page.get_by_role("link", name="Entities").click()
    page.get_by_label("Name begins with").fill("Klaus")
    page.get_by_role("link", name="Klaus Teuber").click()
    expect(page.get_by_role("heading", name="Klaus Teuber")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="is designer of")).not_to_have_count(0)


def test_many_facts_of_an_entity_come_in_pages(open_page: NewPage, service: RunningService) -> None:
    norway = service.http.get("/v1/kbs/many/entities?q=Norway").json()["entities"][0]["id"]
    page = open_page(f"/ui/kbs/many/browse/entities/{norway}")
    expect(page.locator(".entity-facts > li")).to_have_count(101)
    page.get_by_role("button", name="More").click()
    expect(page.locator(".entity-facts > li")).to_have_count(201)


def test_a_reader_is_trained_let_answer_and_rolled_back(open_page: NewPage, service: RunningService) -> None:
    page = open_page("/ui/kbs/games/models")
    expect(page.get_by_role("heading", name="As it is shipped")).to_be_visible()
    page.get_by_label("Questions with their answers").fill("{no json")
    page.get_by_role("button", name="Train").click()
    expect(page.locator("[data-code=malformed_json]")).to_contain_text("Line 1")
    page.get_by_label("Questions with their answers").fill(
        '{"question": "Who made Catan?", "answers": ["Klaus Teuber"]}'
    )
    page.get_by_role("button", name="Train").click()
    expect(page.locator("#job .state")).to_have_text("done", timeout=120_000)
    version = page.locator(".version", has_text=re.compile(r"Version \d+"))
    expect(version.get_by_role("table")).to_be_visible()
    settled(page)
    picture(page, "models-trained-desktop-light")
    assert violations(page) == []
    version.get_by_role("button", name="Let it answer").click()
    expect(version).to_contain_text("answers now")
    assert [one["active"] for one in service.http.get("/v1/kbs/games/models").json()["models"]] == [True, False]
    page.get_by_role("button", name="Go back to it").click()
    expect(page.locator(".version", has_text="As it is shipped")).to_contain_text("answers now")
    assert [one["active"] for one in service.http.get("/v1/kbs/games/models").json()["models"]] == [False, True]


def test_an_evaluation_is_reported_with_its_diagrams(open_page: NewPage) -> None:
    page = open_page("/ui/kbs/games/evaluate", reduced_motion="reduce")  # else colours change for 120 ms
    page.set_input_files("#gold-file", QUESTIONS)
    expect(page.get_by_label("Questions with their answers, as JSON lines")).not_to_have_value("")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_role("img", name="Reliability")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("img", name="Abstention")).to_be_visible()
    expect(page.get_by_role("table", name="By kind and hops")).to_be_visible()
    for size, theme in LOOKS:
        look(page, size, theme)
        picture(page, f"evaluate-report-{size}-{theme}")
        if (size, theme) != LOOKS[-1]:
            assert violations(page) == [], (size, theme)


def test_keys_are_made_used_and_revoked(open_page: NewPage, service: RunningService, watch: list[Watch]) -> None:
    page = open_page("/ui/keys")
    expect(page.get_by_role("heading", name="No key was made")).to_be_visible()
    page.get_by_label("Whose it is").fill("Ada")
    page.get_by_role("button", name="Make it").click()
    key = page.locator(".secret code").inner_text()
    assert key.startswith("hf_")
    expect(page.locator("#keys")).to_contain_text("Ada")
    settled(page)
    picture(page, "keys-made-desktop-light")
    assert violations(page) == []

    other = open_page("/ui/kbs/games")  # a tab without the key
    watch[1].expect("401")
    expect(other.locator("#about [data-code=key_refused]")).to_be_visible()
    other.get_by_role("link", name="Give a key").first.click()
    other.get_by_label("Key", exact=True).fill(key)
    other.get_by_role("button", name="Use it").click()
    expect(other.locator("#keys")).to_contain_text("Ada")
    other.goto("/ui/kbs/games?question=Who designed Catan?")
    expect(other.get_by_role("heading", name="Klaus Teuber")).to_be_visible()
    with_key = other.locator("[data-graph]")
    expect(with_key).to_be_visible()

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke Ada").click()
    watch[0].expect("401")
    expect(page.locator("#keys [data-code=key_refused]")).to_be_visible()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("heading", name="No key was made")).to_be_visible()
    assert service.http.get("/v1/keys").json()["keys"] == []


def test_what_is_submitted_before_the_scripts_are_there_is_not_lost(open_page: NewPage, watch: list[Watch]) -> None:
    page = open_page("/ui/read")
    watch[0].expect("401")  # there is no such key
    late: list[Route] = []
    page.route("**/js/keys.js", lambda route: late.append(route))
    page.goto("/ui/keys", wait_until="commit")
    page.get_by_label("Key", exact=True).fill("hf_early")
    page.get_by_role("button", name="Use it").click(no_wait_after=True)
    while not late:
        page.wait_for_timeout(20)
    late[0].continue_()
    expect(page.get_by_text("This tab uses hf_early")).to_be_visible()


def test_a_story_is_read_with_a_picture_of_its_hops(open_page: NewPage, watch: list[Watch]) -> None:
    page = open_page("/ui/read")
    expect(page.get_by_role("heading", name="wolf")).to_be_visible()
    table = page.get_by_role("table", name="The attention of each hop over the story, in percent")
    expect(table.get_by_role("columnheader", name="hop 3")).to_be_visible()
    expect(table.get_by_role("row", name=re.compile("Gertrude is a mouse"))).to_be_visible()
    page.get_by_label("Task").select_option("Facts instead of sentences")
    expect(page.get_by_role("heading", name="Bielefeld")).to_be_visible()
    page.get_by_label(re.compile("Story")).fill("Mary teleported to the moon.")
    watch[0].expect("422")
    page.get_by_role("button", name="Read").click()
    expect(page.locator("[data-code=unknown_words]")).to_contain_text("teleported")


def test_the_theme_is_switched_and_remembered(open_page: NewPage) -> None:
    page = open_page("/ui")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/ui/read")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_menu_of_a_phone_opens(open_page: NewPage) -> None:
    page = open_page("/ui", "phone")
    expect(page.get_by_role("link", name="Stories")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Stories").click()
    expect(page.get_by_role("heading", name="Stories")).to_be_visible()


def test_the_keyboard_reaches_the_content_past_the_head(open_page: NewPage) -> None:
    page = open_page("/ui/read")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    expect(page.get_by_label("Task")).to_be_focused()
