"""RevidAPI's look behind links to video sites, free of charge; nothing is looked up here, the answer is made up.

Source: R-REV-190, R-REV-191. ASSUMED: every key of the reply (R-REV-192) and which hosts belong to which site.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from soundstage.core.assets import asset_path
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.randomness import Draw
from soundstage.core.universe import the_universe
from soundstage.core.uploads import SAMPLE
from soundstage.core.view import Tx
from soundstage.providers.revidapi.errors import reply_to
from soundstage.validation import Url, WireModel, read, shown, warned

_SITES: Final[Mapping[str, str]] = {
    "tiktok.com": "tiktok",
    "douyin.com": "douyin",
    "iesdouyin.com": "douyin",
    "youtube.com": "youtube",
    "youtu.be": "youtube",
    "facebook.com": "facebook",
    "fb.watch": "facebook",
    "instagram.com": "instagram",
    "x.com": "twitter",
    "twitter.com": "twitter",
}
_PAGE: Final = re.compile(rf"https?://(?:[a-z0-9-]+\.)*({'|'.join(map(re.escape, _SITES))})(?=[/?#:]|$)", re.IGNORECASE)
_NAMED: Final = re.compile(r"/@([A-Za-z0-9_.\-]{1,60})(?:/|$)")
_WHAT: Final = ("A paper boat", "Rain on the roof", "Two cats and a box", "The last tram", "Bread from yesterday")
_HOW: Final = ("in one take", "at noon", "seen from above", "without words", "for beginners")
_WHO: Final = ("ada", "jun", "mira", "tomas", "linh", "oskar")


class Extract(WireModel):
    """A link to a page with a video."""

    url: Url


def extract(call: Call, tx: Tx) -> Reply:
    """POST /download/extract: the media behind a link; the same link always leads to the same answer."""
    given = read(Extract, call.body)
    if isinstance(given, Problem):
        return reply_to(given)
    page = _PAGE.match(given.url)
    if page is None:
        message = f"url must lead to one of {', '.join(_SITES)}, got {shown(given.url)}."
        return reply_to(Problem("invalid_request", message, "url"))
    draw = Draw(str(the_universe(tx).seed), "extract", given.url)
    named = _NAMED.search(urlsplit(given.url).path)

    def file(kind: str) -> str:
        # Any file of the type will do; the query only tells one from another.
        return f"{call.base_url}{asset_path(tx.universe_id, SAMPLE, 0, kind)}?id={draw.hex('id', 12)}"

    body = {
        "platform": _SITES[page[1].lower()],
        "title": f"{draw.pick('what', _WHAT)} {draw.pick('how', _HOW)}",
        "author": named[1] if named else draw.pick("who", _WHO),
        "duration": draw.between("seconds", 6, 180),
        "thumbnail": file("image/png"),
        "medias": [
            {
                "type": "video",
                "quality": draw.pick("quality", ("720p", "1080p")),
                "url": file("video/mp4"),
                "extension": "mp4",
            },
            {"type": "audio", "quality": "128k", "url": file("audio/wav"), "extension": "wav"},
        ],
    }
    return Reply(body, headers=warned(Extract, call.body))
