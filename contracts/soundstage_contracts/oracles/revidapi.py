"""RevidAPI's published models and prices, written down again here from its documentation.

Source: R-REV-032, R-REV-052, R-REV-110 to R-REV-154, A-REV-14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from soundstage_contracts.drivers.base import Price

PATHS = {
    "image": "/v1/image/generate",
    "video": "/v1/video/generate",
    "seedance": "/v1/seedance/generate",
    "motion": "/v1/motion/generate",
    "kol": "/v1/kol-ai/generate",
}

# A dash is one of the published tables, or a column they do not have. Grok's and Seedance's speeds come from the notes.
_TABLE = """
flux-2-pro           |Flux 2 Pro           |image   |fast vip1     |1k 2k     |fast slow|-        |-    |-   |10-30 |110
grok-image           |Grok Image           |image   |vip1          |-         |fast     |-        |-    |-   |20-20 |111
image-4.0            |Imagen 4.0           |image   |fast          |-         |fast     |-        |-    |-   |4-4   |112
image-gpt            |Chat GPT Image       |image   |vip1          |-         |fast slow|-        |-    |-   |8-40  |113
image-gpt-2          |Chat GPT Image 2     |image   |vip1          |1k 2k     |fast     |-        |-    |-   |varies|114
imagen-4             |Imagen 4             |image   |fast          |-         |fast     |-        |-    |-   |20-20 |115
imagen-4-fast        |Imagen 4 Fast        |image   |fast          |-         |fast     |-        |-    |-   |20-20 |116
imagen-4-ultra       |Imagen 4 Ultra       |image   |fast          |-         |fast     |-        |-    |-   |30-30 |117
kling-o1-image       |Kling O1 Image       |image   |vip1          |1k 2k     |fast slow|-        |-    |-   |12-35 |118
nano-banana          |Nano Banana          |image   |fast vip1     |-         |fast slow|-        |-    |-   |1-20  |119
nano-banana-2        |Nano Banana 2        |image   |fast vip1     |1k 2k 4k  |fast     |-        |-    |-   |20-40 |120
nano-banana-pro      |Nano Banana PRO      |image   |fast vip1     |1k 2k 4k  |fast slow|-        |-    |-   |12-70 |121
nano-banana-pro-cheap|Nano Banana PRO Cheap|image   |fast          |-         |fast     |-        |-    |-   |10-10 |122
seedream-4.5         |Seedream 4.5         |image   |fast vip1     |2k 4k     |fast slow|-        |-    |-   |15-70 |123
kling-2.5-turbo      |Kling 2.5 Turbo      |video   |fast vip1 vip2|1080p 720p|-        |5 10     |-    |text|10-300|130
kling-2.6            |Kling 2.6            |video   |fast vip1 vip2|1080p 720p|fast slow|5 10     |three|both|15-640|131
kling-3.0-video      |Kling 3.0 Video      |video   |fast vip1     |1080p 720p|-        |3 5 10 15|three|both|15-720|132
kling-o1-video       |Kling O1 Video       |video   |vip2          |1080p 720p|-        |5 10     |three|-   |60-600|133
seedance-2.0-fast    |Seedance 2.0 Fast    |seedance|vip1          |480p 720p |fast     |5 8 10 15|six  |both|varies|134
seedance-2.0         |Seedance 2.0         |seedance|vip1          |480p 720p |standard |5 8 10 15|six  |both|varies|135
veo3.1-low           |Veo 3.1 LOW          |video   |fast          |-         |-        |8        |wide |text|15-15 |136
veo3.1-fast          |Veo 3.1 FAST         |video   |fast          |-         |-        |8        |wide |text|10-10 |137
veo3.1-high          |Veo 3.1 HIGH         |video   |fast          |-         |-        |8        |wide |text|20-20 |138
grok-i2v             |Grok Video           |video   |default       |480p 720p |standard |6 10     |three|text|30-70 |139
motion-control-2.6   |Motion Control 2.6   |motion  |vip2          |1080p 720p|-        |-        |-    |-   |60-90 |145
motion-control-3.0   |Motion Control 3.0   |motion  |vip2          |1080p 720p|-        |-        |-    |-   |12-120|146
kling-avatar         |Kling Avatars 2.0    |kol     |vip1          |-         |-        |-        |-    |-   |5-10  |147
"""
_RATIOS = {
    "wide": ("16:9", "9:16"),
    "three": ("16:9", "9:16", "1:1"),
    "six": ("16:9", "9:16", "4:3", "3:4", "1:1", "21:9"),
}


class Model(NamedTuple):
    """A line of the published tables.

    `resolutions`, `speeds`, `durations` (seconds) and `ratios` are empty where nothing is published. `sound` and
    `from_text` are the columns Audio and T2V. `span` is the published range in credits, None where the table says
    "varies"; for kling-avatar it is for each second.
    """

    id: str
    name: str
    path: str
    servers: tuple[str, ...]
    resolutions: tuple[str, ...]
    speeds: tuple[str, ...]
    durations: tuple[int, ...]
    ratios: tuple[str, ...]
    sound: bool
    from_text: bool
    span: tuple[Decimal, Decimal] | None
    source: str

    @property
    def per_second(self) -> bool:
        """Whether the range is for each second and not for a whole job (R-REV-147)."""
        return self.path == PATHS["kol"]


def _model(line: str) -> Model:
    name, title, path, servers, sizes, speeds, seconds, ratios, video, span, number = map(str.strip, line.split("|"))
    least, _, most = span.partition("-")
    return Model(
        name,
        title,
        PATHS[path],
        tuple(servers.split()),
        _words(sizes),
        _words(speeds),
        tuple(int(one) for one in _words(seconds)),
        _RATIOS.get(ratios, ()),
        sound=video == "both",
        from_text=video in {"both", "text"},
        span=(Decimal(least), Decimal(most)) if most else None,
        source=f"R-REV-{number}",
    )


def _words(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split())


MODELS: Mapping[str, Model] = {model.id: model for model in map(_model, _TABLE.strip().splitlines())}


class Cell(NamedTuple):
    """A published price: the body without its prompt, the price row it names (server and key), credits, requirement."""

    name: str
    fields: dict[str, Any]
    server: str | None
    key: str | None
    credits: int
    source: str

    @property
    def path(self) -> str:
        """Where such a job is made."""
        return MODELS[self.fields["model"]].path


_KLING = {"model": "kling-2.6", "resolution": "720p", "duration": 5, "speed": "fast", "server_id": "fast"}
_SLOW = {"model": "kling-2.6", "resolution": "1080p", "duration": 10, "speed": "slow", "server_id": "vip1"}
CELLS = (
    Cell("nano-banana-pro", {"model": "nano-banana-pro"}, None, None, 30, "R-REV-032"),
    Cell("kling-2.6 720p-5s-fast", _KLING, "fast", "720p-5s-fast", 15, "R-REV-153"),
    Cell("kling-2.6 720p-5s-audio-fast", {**_KLING, "audio": True}, "fast", "720p-5s-audio-fast", 25, "R-REV-153"),
    Cell("kling-2.6 1080p-10s-slow", _SLOW, "vip1", "1080p-10s-slow", 320, "R-REV-153"),
    Cell(
        "grok-i2v 480p-6s-standard",
        {"model": "grok-i2v", "resolution": "480p", "duration": 6},
        "default",
        "480p-6s-standard",
        30,
        "R-REV-139",
    ),
    Cell(
        "grok-i2v 720p-10s-standard",
        {"model": "grok-i2v", "resolution": "720p", "duration": 10},
        "default",
        "720p-10s-standard",
        70,
        "R-REV-139",
    ),
    *(
        Cell(model.id, {"model": model.id}, model.servers[0], None, int(model.span[0]), model.source)
        for model in MODELS.values()
        if model.span is not None and model.span[0] == model.span[1]
    ),
)
"""Every price that is published as one number. Grok's two middle ones are known only as a pair (A-REV-14)."""

GROK = (30, 45, 50, 70)
"""All prices of grok-i2v, of which only the lowest and the highest have a sure place (R-REV-139)."""


def price(path: str, fields: Mapping[str, Any]) -> Price | None:
    """Return what a job of these fields costs: an exact cell, else the model's range; None where neither is known."""
    model = MODELS.get(str(fields.get("model")))
    if model is None or model.path != path or model.span is None or model.per_second:
        return None
    asked = normal(fields)
    for cell in CELLS:
        if cell.fields["model"] == model.id and asked == normal(cell.fields):
            return Price(Decimal(cell.credits), Decimal(cell.credits), cell.source)
    return Price(*model.span, model.source)


def most(path: str, fields: Mapping[str, Any]) -> Decimal | None:
    """Return the most a job of this model can cost by the tables, None where nobody can tell."""
    model = MODELS.get(str(fields.get("model")))
    if model is None or model.path != path or model.span is None or model.per_second:
        return None
    return model.span[1]


def normal(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those fields that pick a price, with the seconds as a number; silence and the first speed are left out."""
    names = ("resolution", "duration", "audio", "speed", "quality", "server_id")
    kept = {name: fields[name] for name in names if fields.get(name) not in (None, False)}
    if kept.get("speed") in {"fast", "standard"}:
        del kept["speed"]
    if "duration" in kept:
        kept["duration"] = seconds(kept["duration"])
    return kept


def seconds(given: Any) -> int | None:
    """Return a duration as a number: 5, "5" and "5s" are one (R-REV-052); None when it is none of these."""
    found = re.fullmatch(r"([0-9]{1,4})s?", str(given)) if type(given) in {int, str} else None
    return None if found is None else int(found[1])
