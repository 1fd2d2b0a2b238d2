"""A headless Chromium, driven by its DevTools protocol over a pipe.

It has no network: every host is not found. What a page says on its console, and what it asks for,
is kept.
"""

import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

DRAWN = "document.querySelector('#chart svg') && document.querySelector('#profile svg')"
"""Whether the page's charts are there, in its own language."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)

PATIENCE = 60.0
"""Seconds after which something that was waited for is called missing."""


def browser_here() -> str | None:
    """The browser of this machine, where it has one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Browser:
    """One browser with one page."""

    def __init__(self, program: str, profile: Path) -> None:
        """Starts it.

        Args:
            program: Chromium.
            profile: a folder of its own for what it writes.
        """
        from_browser, browser_end = os.pipe()
        own_end, to_browser = os.pipe()
        # it reads file descriptor 3 and writes 4
        redirected = f'exec "$0" "$@" 3<&{own_end} 4>&{browser_end}'
        flags = [*FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", redirected, program, *flags],
            pass_fds=(own_end, browser_end),
            stderr=subprocess.DEVNULL,
        )
        os.close(own_end)
        os.close(browser_end)
        self._writing = os.fdopen(to_browser, "wb", buffering=0)
        self._reading = os.fdopen(from_browser, "rb", buffering=0)
        self._rest = b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.said: list[str] = []
        """What a page said on the console, and its errors."""
        self.requests: list[str] = []
        """What a page asked for, itself aside."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Calls a method of the protocol and returns its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        self._writing.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def open(self, url: str) -> None:
        """Opens a page, and waits until it is drawn."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        found = self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Waits until a condition holds in the page."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"never: {condition}"
            time.sleep(0.05)

    def press(self, key: str, code: int = 0, **more: str) -> None:
        """Presses a key; one that writes something has a `text`."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        self._writing.close()
        self._reading.close()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            found = os.read(self._reading.fileno(), 1 << 20)
            assert found, "the browser ended"
            self._rest += found
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        method, details = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self.said.append(" ".join(str(each.get("value")) for each in details["args"]))
        elif method == "Runtime.exceptionThrown":
            self.said.append(str(details["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.said.append(str(details["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            url = details["request"]["url"]
            if details.get("type") != "Document" and not url.startswith("data:"):
                self.requests.append(url)


@contextmanager
def opened(browser: Browser, file: Path) -> Iterator[Browser]:
    """A page, opened; it may say nothing on the console and ask for nothing."""
    browser.said.clear()
    browser.requests.clear()
    browser.open(file.as_uri())
    browser.until(DRAWN)
    yield browser
    browser.run("1")
    assert browser.said == [], browser.said
    assert browser.requests == [], browser.requests


def choose(page: Browser, name: str, value: str, event: str = "change") -> None:
    """Gives a control a value, as a reader does."""
    page.run(
        f"byId({name!r}).value = {json.dumps(value)}; "
        f"byId({name!r}).dispatchEvent(new Event({event!r}, {{bubbles: true}}))"
    )


def shown(page: Browser, selector: str) -> str:
    """The text of what a selector finds first."""
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")
