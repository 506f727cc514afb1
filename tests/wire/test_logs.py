"""Log lines: no key and no secret in them, whoever configured them or did not."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import urllib.error
import urllib.request
from soundstage.edge.operations import Operations
from soundstage.testing import Server

async def broken(*args):
    secret = "".join(["whsec_", "hidden"])
    raise RuntimeError("this was to happen")

Operations._answer = broken
with Server() as server:
    url = server.url + "/midsync/unified-video/models"
    request = urllib.request.Request(url, headers={"Authorization": "Bearer sk_test_hidden_key_1234"})
    try:
        urllib.request.urlopen(request)
    except urllib.error.HTTPError as answer:
        print("answered", answer.code)
        answer.close()
"""


def test_the_last_resort_of_an_embedded_server_prints_no_secret() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert "answered 500" in done.stdout
    assert "this was to happen" in done.stderr
    assert "hidden" not in done.stdout + done.stderr
