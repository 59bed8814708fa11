"""Somebody with a browser on a running MemStack; for the pages' tests and for measurements, so without Django."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page

from tests.stack import Stack

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH_CSP = """
addEventListener("securitypolicyviolation", (event) => console.error("CSP", event.violatedDirective, event.blockedURI));
"""


@dataclass
class Visitor:
    """Somebody who is logged in to a MemStack, with what the browser complained about."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> Page:
        page = self.context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if path:
            page.goto(self.url + path)
        return page

    def forgive(self, words: str) -> None:
        """The browser told of what the test did on purpose."""
        self.complaints[:] = [complaint for complaint in self.complaints if words not in complaint]

    def log_in(self, username: str, password: str) -> None:
        page = self.open("/login")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Projects").wait_for()
        page.close()


def visit(browser: Browser, stack: Stack, **options: object) -> Visitor:
    context = browser.new_context(**options)  # type: ignore[arg-type]  # Playwright names them all
    context.set_default_timeout(60_000)
    context.add_init_script(WATCH_CSP)
    visitor = Visitor(context, stack.url)
    visitor.log_in(stack.username, stack.password)
    return visitor
