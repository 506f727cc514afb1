"""The stock of words that generated strings are made of, found by a property's name or by its format."""

from collections.abc import Callable
from functools import lru_cache

Below = Callable[[int], int]

PLAIN = (
    "amber", "harbour", "meadow", "lantern", "river", "copper", "willow", "granite", "autumn", "signal",
    "garden", "mirror", "orchard", "silver", "canvas", "ember", "valley", "violet", "winter", "bridge",
    "cedar", "coral", "delta", "echo", "falcon", "forest", "island", "juniper", "marble", "north",
    "ocean", "paper", "quartz", "saffron", "summit", "thunder", "velvet", "waterfall", "yellow", "zephyr",
)  # fmt: skip
_SENTENCES = (
    "A calm scene with soft light and slow movement.",
    "Short and clear, written for someone new to the subject.",
    "The main points are listed first and the details follow.",
    "Made from the information given, without further assumptions.",
    "A small example that can be changed later.",
    "Works best in the morning and needs little preparation.",
)
_TITLES = (
    "The Quiet Harbour",
    "Letters from the Valley",
    "A Field Guide to Rain",
    "Copper and Salt",
    "North by Lantern",
)
_FIRST = ("Ada", "Jonas", "Mira", "Tomas", "Leila", "Oskar", "Nina", "Ravi", "Clara", "Emil")
_LAST = ("Marsh", "Lindqvist", "Okafor", "Brandt", "Moreau", "Castillo", "Novak", "Tanaka", "Hale", "Weiss")
_CITIES = ("Lisbon", "Oslo", "Kyoto", "Turin", "Ghent", "Boston", "Nairobi", "Montevideo")

_BY_WORD: dict[str, tuple[str, ...]] = {
    "city": _CITIES, "town": _CITIES, "location": _CITIES, "place": _CITIES, "destination": _CITIES, "origin": _CITIES,
    "country": ("Portugal", "Norway", "Japan", "Italy", "Kenya", "Uruguay"),
    "region": ("north", "south", "coast", "highlands"),
    "street": ("12 Orchard Lane", "48 Harbour Road", "7 Mill Street"),
    "address": ("12 Orchard Lane, Ghent", "48 Harbour Road, Oslo", "7 Mill Street, Boston"),
    "zip": ("10115", "94103", "02139"), "postcode": ("10115", "94103", "02139"),
    "phone": ("+1 555 0100", "+1 555 0142", "+1 555 0187"),
    "title": _TITLES, "subject": _TITLES, "headline": _TITLES, "heading": _TITLES,
    "description": _SENTENCES, "summary": _SENTENCES, "text": _SENTENCES, "content": _SENTENCES, "body": _SENTENCES,
    "note": _SENTENCES, "comment": _SENTENCES, "reason": _SENTENCES, "explanation": _SENTENCES,
    "message": _SENTENCES, "answer": _SENTENCES, "prompt": _SENTENCES, "caption": _SENTENCES,
    "reasoning": _SENTENCES, "output": _SENTENCES,
    "query": ("weather this week", "train times to Turin", "quiet places to read"),
    "question": ("What should come first?", "How long does it take?", "Which one is lighter?"),
    "color": ("teal", "amber", "navy", "coral", "olive"), "colour": ("teal", "amber", "navy", "coral", "olive"),
    "currency": ("EUR", "USD", "JPY", "GBP"), "language": ("en", "de", "fr", "ja"),
    "locale": ("en-GB", "de-DE", "fr-FR"),
    "lang": ("en", "de", "fr", "ja"), "timezone": ("Europe/Lisbon", "Asia/Tokyo", "America/New_York"),
    "status": ("open", "done", "waiting"), "category": ("general", "travel", "music", "home"),
    "company": ("Marsh & Hale", "Northlight Studio", "Copper Lane Press"),
    "organization": ("Marsh & Hale", "Northlight Studio", "Copper Lane Press"),
    "genre": ("ambient", "jazz", "folk", "electronic"), "mood": ("calm", "bright", "wistful"),
    "style": ("watercolour", "documentary", "minimal"), "unit": ("celsius", "metric", "piece"),
    "ingredient": ("flour", "olive oil", "salt", "basil", "lemon"), "step": _SENTENCES,
    "file": ("notes.txt", "cover.png", "take-2.wav"), "filename": ("notes.txt", "cover.png", "take-2.wav"),
    "path": ("notes/draft.txt", "images/cover.png"), "symbol": ("ACME", "NRTH", "CPLN"), "ticker": ("ACME", "NRTH"),
    "role": ("editor", "reader", "owner"), "job": ("editor", "gardener", "engineer"),
    "domain": ("example.com", "example.org"), "hostname": ("media.example.com", "www.example.org"),
}  # fmt: skip


def _date(below: Below) -> str:
    return f"{2020 + below(10)}-{1 + below(12):02}-{1 + below(28):02}"


def _clock(below: Below) -> str:
    return f"{below(24):02}:{below(60):02}:{below(60):02}Z"


def _uuid(below: Below) -> str:
    digits = f"{below(2**32):08x}{below(2**32):08x}{below(2**32):08x}{below(2**32):08x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[below(4)]}{digits[17:20]}-{digits[20:]}"


def _word(below: Below) -> str:
    return PLAIN[below(len(PLAIN))]


def _email(below: Below) -> str:
    return f"{_FIRST[below(len(_FIRST))].lower()}.{_LAST[below(len(_LAST))].lower()}@example.com"


def _uri(below: Below) -> str:
    return f"https://example.com/{_word(below)}/{1 + below(900)}"


FORMATS: dict[str, Callable[[Below], str]] = {
    "date": _date,
    "time": _clock,
    "date-time": lambda below: f"{_date(below)}T{_clock(below)}",
    "duration": lambda below: f"PT{1 + below(59)}M",
    "email": _email,
    "idn-email": _email,
    "hostname": lambda below: f"{_word(below)}.example.com",
    "idn-hostname": lambda below: f"{_word(below)}.example.com",
    "ipv4": lambda below: f"192.0.2.{1 + below(254)}",
    "ipv6": lambda below: f"2001:db8::{1 + below(65535):x}",
    "uri": _uri,
    "iri": _uri,
    "uri-reference": _uri,
    "iri-reference": _uri,
    "uri-template": lambda below: f"https://example.com/{_word(below)}/{{id}}",
    "uuid": _uuid,
    "json-pointer": lambda below: f"/{_word(below)}/{below(10)}",
    "relative-json-pointer": lambda below: f"{below(3)}/{_word(below)}",
    "regex": lambda below: f"^{_word(below)}$",
}

_MADE: dict[str, Callable[[Below], str]] = {
    "email": _email, "mail": _email, "url": _uri, "uri": _uri, "link": _uri, "website": _uri, "href": _uri,
    "date": _date, "day": _date, "deadline": _date, "birthday": _date, "time": lambda below: _clock(below)[:5],
    "id": lambda below: f"id_{below(16**8):08x}", "uuid": _uuid, "token": lambda below: f"{below(16**8):08x}",
    "code": lambda below: f"{_word(below)[:3].upper()}-{100 + below(900)}",
    "first": lambda below: _FIRST[below(len(_FIRST))], "last": lambda below: _LAST[below(len(_LAST))],
    "name": lambda below: f"{_FIRST[below(len(_FIRST))]} {_LAST[below(len(_LAST))]}",
    "author": lambda below: f"{_FIRST[below(len(_FIRST))]} {_LAST[below(len(_LAST))]}",
    "timestamp": lambda below: f"{_date(below)}T{_clock(below)}",
}  # fmt: skip


def worded(name: str, below: Below) -> str:
    """Return a string that suits a property of this name; two plain words when the name says nothing."""
    hint = _hint(name[:64])
    if hint in _MADE:
        return _MADE[hint](below)
    if hint:
        return _BY_WORD[hint][below(len(_BY_WORD[hint]))]
    return f"{_word(below)} {_word(below)}"


def filler(length: int, below: Below) -> str:
    """Return plain words of exactly this many characters."""
    if length < 12:
        text = _word(below) + _word(below) + "s" * length
    else:
        words = f"{_word(below)} {_word(below)} {_word(below)} "
        text = words * (length // len(words) + 1)
    text = text[:length]
    return text[:-1] + "s" if text.endswith(" ") else text


@lru_cache(maxsize=1024)
def _hint(name: str) -> str:
    """Return the last known word in a name like `userEmail`, `home_city` or `tags`; empty when there is none."""
    spaced = "".join([f" {mark}" if mark.isupper() else mark if mark.isalnum() else " " for mark in name]).lower()
    words = spaced.split()
    if words[-1:] == ["name"] and words[0] in ("first", "last"):
        return words[0]
    for word in reversed([*words, spaced.replace(" ", "")]):
        for form in (
            word,
            word.removesuffix("s"),
            word[:-3] + "y" if word.endswith("ies") else word,
        ):
            if form in _MADE or form in _BY_WORD:
                return form if form not in ("first", "last") else ""
    return ""
