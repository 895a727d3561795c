"""A headless Chromium, driven through ChromeDriver's own protocol (https://www.w3.org/TR/webdriver2/)."""

import json
import re
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager

PROGRAMS = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]


class Browser:
    """One window. Args: `session`, the address of the session."""

    def __init__(self, session):
        self.session = session

    def open(self, path, width=1280, height=1000):
        """Load the file `path` in a window whose page has this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", size)
        post(f"{self.session}/url", {"url": path.as_uri()})

    def devtools(self, command, parameters):
        """Return what a command of the DevTools protocol answers."""
        return post(f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script, *arguments):
        """Return what JavaScript with a `return` gives; it may be a promise."""
        return post(f"{self.session}/execute/sync", {"script": script, "args": arguments})

    def move(self, *places, element, kind="mouse", pressed=False):
        """Move the pointer to places (x, y) of an element, from its top left corner, `pressed` from the first on."""
        corner = self.run(
            "const {x, y} = document.getElementById(arguments[0]).getBoundingClientRect(); return [x, y]", element
        )
        steps = [
            {"type": "pointerMove", "duration": 20, "x": round(corner[0] + x), "y": round(corner[1] + y)}
            for x, y in places
        ]
        if pressed:
            steps = [steps[0], {"type": "pointerDown", "button": 0}, *steps[1:], {"type": "pointerUp", "button": 0}]
        self.act({"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": steps})

    def press(self, key):
        """Press a key and let it go; a name is of the keys that print nothing."""
        steps = [{"type": kind, "value": KEYS.get(key, key)} for kind in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keyboard", "actions": steps})

    def act(self, actions):
        """Let the input devices act, and wait for the frame that shows it."""
        post(f"{self.session}/actions", {"actions": [actions]})
        self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def complaints(self):
        """Return the messages of the console that are warnings or errors, since the last call."""
        return [entry["message"] for entry in post(f"{self.session}/se/log", {"type": "browser"})]


KEYS = {"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "Home": "\ue011"}


@contextmanager
def browser():
    """A Browser, closed at the end."""
    driver = subprocess.Popen([PROGRAMS["chromedriver"], "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        port = next(match[1] for line in driver.stdout if (match := re.search(r"on port (\d+)\.", line)))
        address = f"http://127.0.0.1:{port}/session"
        wanted = {"goog:chromeOptions": {"args": OPTIONS, "binary": PROGRAMS["chromium"]}}
        wanted |= {"goog:loggingPrefs": {"browser": "WARNING"}}
        session = post(address, {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        yield Browser(f"{address}/{session}")
        urllib.request.urlopen(urllib.request.Request(f"{address}/{session}", method="DELETE")).close()
    finally:
        driver.terminate()
        driver.communicate()


def post(address, content):
    """Return the value that a command answers."""
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(content).encode())) as answer:
        return json.load(answer)["value"]
