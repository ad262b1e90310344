"""Opens pages in headless Chromium over its debugging pipe, without further packages.

The protocol: https://chromedevtools.github.io/devtools-protocol. Messages are JSON, each ends with a NUL byte.
"""

import base64
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import tempfile


class Chromium:
    """A browser with one page. Use it in a `with` block."""

    def __init__(self):
        program = shutil.which("chromium") or "/usr/bin/chromium"
        if not os.path.exists(program):
            raise AssertionError("this test needs the package chromium; tools/setup.sh installs it")
        self._profile = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def descriptors():  # the browser reads from descriptor 3 and writes to descriptor 4
            copies = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (to_browser, from_browser)]
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        self._process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--remote-debugging-pipe",
             f"--user-data-dir={self._profile}", "about:blank"],
            pass_fds=(3, 4), preexec_fn=descriptors, env={**os.environ, "HOME": self._profile},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._last_id = 0
        self._session = None
        self.events = []
        target = next(target for target in self.send("Target.getTargets")["targetInfos"]
                      if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target["targetId"],
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _receive(self):
        while b"\0" not in self._buffer:
            piece = os.read(self._read, 1 << 16)
            if not piece:
                raise AssertionError("chromium has ended")
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        """Calls a method and returns its result. Events that come before it are kept in `events`."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width, height, dark=False):
        """Loads a file and waits for it. `events` then holds what happened meanwhile."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.send("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.send("Page.navigate", url=pathlib.Path(path).absolute().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def of(self, *methods):
        """The parameters of the events of these names."""
        return [event["params"] for event in self.events if event["method"] in methods]

    def evaluate(self, script):
        """The value of an expression in the page, as JSON."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def screenshot(self, path):
        """Writes a PNG of the whole page."""
        image = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(image["data"]))
