"""webdriver.py - a small client of WebDriver: starts chromedriver and a Chromium without a window.

Only the standard library is used. Everything that waits has a limit (PATIENCE).
"""
import base64
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
import zlib

PATIENCE = 60
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'


class Browser:
    """A session. Use it in a with statement: the browser and the driver end with it."""

    def __init__(self, folder):
        self.folder = folder
        self.session = None
        self.driver = subprocess.Popen(['chromedriver', '--port=0'], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True,
                                       start_new_session=True)

    def __enter__(self):
        for line in self.driver.stdout:
            found = re.search(r'started successfully on port (\d+)', line)
            if found:
                self.base = 'http://127.0.0.1:' + found.group(1)
                break
        arguments = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                     '--hide-scrollbars', '--disable-background-networking', '--no-first-run',
                     '--user-data-dir=' + self.folder]
        answer = self.call('POST', '/session', {'capabilities': {'alwaysMatch': {
            'browserName': 'chrome',
            'goog:chromeOptions': {'args': arguments},
            'goog:loggingPrefs': {'browser': 'ALL'}}}})
        self.session = answer['sessionId']
        return self

    def __exit__(self, *unused):
        try:
            if self.session:
                self.call('DELETE', '/session/' + self.session)
        except (OSError, urllib.error.URLError):
            pass
        # Also a browser that did not answer: it is in the driver's group.
        os.killpg(self.driver.pid, signal.SIGKILL)
        self.driver.wait(PATIENCE)
        self.driver.stdout.close()

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == 'POST' else None
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:400]) from None

    def do(self, method, path, body=None):
        return self.call(method, '/session/%s/%s' % (self.session, path), body)

    def open(self, url):
        self.do('POST', 'url', {'url': url})

    def run(self, script, *args):
        """The value that SCRIPT, the body of a function, returns in the page."""
        return self.do('POST', 'execute/sync', {'script': script, 'args': list(args)})

    def command(self, name, **parameters):
        """A command of Chromium's own protocol."""
        return self.do('POST', 'goog/cdp/execute', {'cmd': name, 'params': parameters})

    def view(self, width, height, scheme):
        """The size of the view, and the colour scheme: light or dark."""
        self.command('Emulation.setDeviceMetricsOverride', width=width, height=height,
                     deviceScaleFactor=1, mobile=False)
        self.command('Emulation.setEmulatedMedia',
                     features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def click(self, css):
        element = self.do('POST', 'element', {'using': 'css selector', 'value': css})[ELEMENT]
        self.do('POST', 'element/%s/click' % element)

    def press(self, key):
        self.do('POST', 'actions', {'actions': [{'type': 'key', 'id': 'keys', 'actions': [
            {'type': 'keyDown', 'value': key}, {'type': 'keyUp', 'value': key}]}]})

    def until(self, script, *args):
        """Wait until SCRIPT returns something true, and return it; None if it never does."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = self.run(script, *args)
            if value:
                return value
            time.sleep(0.1)
        return None

    def complaints(self):
        """What the console got since the last call."""
        return ['%s: %s' % (entry['level'], entry['message'])
                for entry in self.do('POST', 'se/log', {'type': 'browser'})]

    def pixel(self, x, y):
        """The colour at a place of the view: red, green, blue."""
        shot = base64.b64decode(self.command('Page.captureScreenshot', clip={
            'x': int(x), 'y': int(y), 'width': 1, 'height': 1, 'scale': 1})['data'])
        # A PNG is chunks of length, name, contents, sum. Those called IDAT together are, for the
        # first pixel, the number of a filter and its channels.
        data, at = b'', 8
        while at < len(shot):
            length = int.from_bytes(shot[at:at + 4], 'big')
            if shot[at + 4:at + 8] == b'IDAT':
                data += shot[at + 8:at + 8 + length]
            at += length + 12
        return tuple(zlib.decompress(data)[1:4])

    def screenshot(self, path, whole=False):
        shot = self.command('Page.captureScreenshot', captureBeyondViewport=whole)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(shot['data']))
