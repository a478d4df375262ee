"""The site in a real browser: it renders, search finds rules, and a click on a case leads there.

The browser is Chromium, run without a window. Where there is none, these tests are skipped and say so.
"""

import functools
import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from packfile.instructions import INSTRUCTIONS, Opcode

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NARROW = 400
"""Width of a small telephone, in pixels."""
PAGES = (
    "index.html",
    "how-it-works.html",
    "in-pictures.html",
    "write-a-loader.html",
    "emit.html",
    "python.html",
    "suite.html",
    "suite-commands.html",
    "assembly.html",
    "cli.html",
    "cases/index.html",
    "specification/layout.html",
    "specification/adapter.html",
    "specification/rules/fixups.html",
    "specification/rules/limits.html",
)

_HARNESS = """
const frame = document.querySelector("iframe");
const load = (path) => new Promise((done) => { frame.onload = () => done(frame.contentDocument); frame.src = path; });
const report = (value) => { document.querySelector("pre").textContent = JSON.stringify(value); };
"""

Run = Callable[[str], object]


class Server(SimpleHTTPRequestHandler):
    """Serves the site, and a page of the test's own that looks at others in a frame."""

    script = ""

    def do_GET(self) -> None:
        if self.path != "/harness":
            super().do_GET()
            return
        script = f"<script>{_HARNESS}(async () => {{{self.script}}})()</script>"
        text = f"<iframe width={NARROW} height=900></iframe><pre></pre>{script}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>harness</title>{text}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def dom(address: str, tmp_path: Path) -> Callable[[str], str]:
    """Gives the document that the browser makes of a page once its scripts have run."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"NO BROWSER: none of {', '.join(BROWSERS)} is installed, so the site was not looked at in one")

    def load(path: str) -> str:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path}",
            "--window-size=1400,1000",
        ]
        command = [browser, *options, "--virtual-time-budget=30000", "--dump-dom", f"{address}/{path}"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    return load


@pytest.fixture
def run(dom: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a script beside a frame, and gives what it reports."""

    def harness(script: str) -> object:
        monkeypatch.setattr(Server, "script", script)
        reported = re.search(r"<pre>(.*?)</pre>", dom("harness"), re.DOTALL)
        assert reported
        assert reported[1], "the script reported nothing in time"
        return json.loads(html.unescape(reported[1]))

    return harness


def test_the_front_page_renders(dom: Callable[[str], str]) -> None:
    document = dom("index.html")
    assert re.search(r"<h1>Packfile", document)
    assert "The parts of a packfile" in document
    assert 'data-theme="auto"' in document  # set by the theme's script


def test_search_finds_a_rule(dom: Callable[[str], str]) -> None:
    document = dom("search.html?q=PF-FIX-012")
    links = re.findall(r'<li[^>]*><a href="([^"]+)"', document.partition('id="search-results"')[2])
    assert links, "search found nothing"
    assert links[0] == "specification/rules/fixups.html#PF-FIX-012"


def test_search_finds_the_rule_of_an_instruction(dom: Callable[[str], str]) -> None:
    document = dom(f"search.html?q={INSTRUCTIONS[Opcode.I_ADD].rule}")
    links = re.findall(r'<li[^>]*><a href="([^"]+)"', document.partition('id="search-results"')[2])
    assert any("specification/instructions.html#" in link for link in links[:3]), links[:3]


def test_a_click_on_a_case_of_a_rule_leads_to_the_case(run: Run) -> None:
    seen = run("""
        const page = await load("/specification/rules/fixups.html");
        const section = page.getElementById("PF-FIX-012");
        const link = section.querySelector('.cases a[href*="#case-"]');
        const id = link.textContent;
        const next = new Promise((done) => { frame.onload = done; });
        link.click();
        await next;
        const target = frame.contentDocument.querySelector(":target");
        const back = target.querySelector('a[href*="#PF-FIX-012"]');
        report([id, target.id, target.querySelector("h2").firstChild.textContent, back !== null]);
    """)
    assert isinstance(seen, list)
    case = seen[0]
    assert seen == [case, f"case-{case}", case, True]


def test_nothing_sticks_out_of_a_narrow_screen(run: Run) -> None:
    """But for what scrolls by itself, such as wide tables, code and drawings."""
    seen = run(f"""
        const overflow = (element) => /auto|scroll/.test(frame.contentWindow.getComputedStyle(element).overflowX);
        const scrolls = (element) => element.closest("article") !== element
            && (overflow(element) || scrolls(element.parentElement));
        const found = {{}};
        for (const path of {json.dumps(PAGES)}) {{
            const page = await load("/" + path);
            const wide = [...page.querySelectorAll("article *")]
                .filter((element) => element.getBoundingClientRect().right > {NARROW + 1} && !scrolls(element));
            found[path] = wide.map((element) => element.outerHTML.slice(0, 80));
        }}
        report(found);
    """)
    assert isinstance(seen, dict)
    assert {path: elements for path, elements in seen.items() if elements} == {}
    assert set(seen) == set(PAGES)
