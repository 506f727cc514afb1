"""A sample of the fuzz on a server in this process; `python tests/fuzz/run.py` asks far more."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from fuzz.compose import Composer, Made
from fuzz.dice import Dice
from fuzz.findings import curl
from fuzz.profiles import PROFILES
from fuzz.run import fuzz, report
from fuzz.values import Known
from support import judge
from support.client import House

REQUESTS = 150


@pytest.mark.parametrize("provider", sorted(PROFILES))
async def test_generated_requests_get_documented_replies_and_the_books_agree(stage: House, provider: str) -> None:
    """R-KEY-033, R-KEY-048, R-KEY-070: statuses, shapes, prices and refusals, for requests nobody wrote by hand."""
    port = urlsplit(stage.url).port
    assert port is not None
    tally = await fuzz(port, provider, REQUESTS, 7, lanes=2, batch=50)
    assert not tally.kinds, report(tally, provider, 1.0, f"{stage.url}/{provider}")
    assert sum(tally.seen.values()) >= REQUESTS
    assert len({status for _, status in tally.seen}) >= 5, "the sample is too tame"
    await stage.anybody().sound()


@pytest.mark.parametrize("provider", sorted(PROFILES))
def test_a_seed_makes_the_same_requests_again(provider: str) -> None:
    assert made(provider, 5) == made(provider, 5)
    assert made(provider, 5) != made(provider, 6)


def made(provider: str, seed: int) -> list[Made]:
    composer = Composer(judge.of(provider).document, {"rich": "sk_test_somebody"}, [("rich", 1)])
    return [composer.make(Dice(seed, number), Known([("", "task_1")])) for number in range(100)]


def test_a_finding_is_told_as_a_line_of_shell() -> None:
    """Quotes, percent signs, line ends and bytes that are no text survive the shell."""
    headers = ((b"Content-Type", b"application/json"), (b"X-Note", b"caf\xe9 'x'"))
    line = curl(Made("POST", "/v1/videos", None, None, headers, b'{"a": "100 % \'x\'\\n\xff"}'), "http://127.0.0.1:1/p")
    assert line == (
        r"""printf '{"a": "100 %% \047x\047\\n\377"}' | curl -sS -i --path-as-is --globoff -X POST """
        r"""-H 'Content-Type: application/json' -H $'X-Note: caf\xe9 \x27x\x27' 'http://127.0.0.1:1/p/v1/videos' """
        "--data-binary @-"
    )
