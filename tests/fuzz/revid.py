"""RevidAPI's books: what its jobs must cost by the catalogue's rows, and which files it must have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from fuzz import forms
from fuzz.books import Books, Open, WrongError, agree
from fuzz.compose import UNREAD, Made
from fuzz.costs import MICROS
from fuzz.talk import Came
from fuzz.values import Known
from soundstage.media import sample
from soundstage.resources import read_yaml, schema_root

_CATALOGUE: Mapping[str, Any] = read_yaml(schema_root() / "revidapi" / "catalogue.yaml")
_MODELS: Mapping[str, Any] = _CATALOGUE["models"]
# What a request names → the catalogue's list of what there is.
_CHOSEN = {"resolution": "resolutions", "quality": "qualities", "duration": "durations", "speed": "speeds"}
_LISTS = frozenset({"img_url", "image_urls", "input_image"})
_SAMPLES = frozenset(sha256(sample(kind)).hexdigest() for kind in ("image/png", "video/mp4", "audio/wav"))
# Nobody listens at the first two; of the third, which nobody asks, the server makes a sample.
_UNLIKELY = {"127.0.0.1:9": {"completed"}, "localhost:9": {"completed"}, "media.example.com": {"failed"}}
_SENT = frozenset(sha256(one).hexdigest() for one in forms.every())
_PRESIGNED_MS = 3_600_000


def fields_of(value: Mapping[str, Any], *, form: bool) -> dict[str, Any]:
    """Return a body's fields: of a form the only value of each, but lists for references."""
    if not form:
        return {name: given for name, given in value.items() if given is not None}
    return {name: given if name in _LISTS else given[0] for name, given in value.items()}


def price(fields: Mapping[str, Any], path: str, seconds: int) -> int:
    """Return what a job costs in micros: the cheapest row that fits, with sound if it is asked for and there is any."""
    defaults = {_MODELS[name]["endpoint"]: name for name in _CATALOGUE["default_models"].values()}
    model = _MODELS[fields.get("model") or defaults[path]]
    agree("path", path, model["endpoint"])
    asked = {name: _asked(model, fields, name) for name, some in _CHOSEN.items() if some in model}
    fitting = [
        row
        for row in model["rows"]
        if fields.get("server_id") in {None, row["server"]}
        and all(row[name] == value for name, value in asked.items() if name in row)
    ]
    wants_sound = fields.get("audio") in {True, "true", "True", "1"}
    loud = [row["credits"] for row in fitting if wants_sound and row.get("audio")]
    cheapest: int = min(loud or [row["credits"] for row in fitting if not row.get("audio")])
    return cheapest * MICROS * (seconds if model.get("per_second") else 1)


def _asked(model: Mapping[str, Any], fields: Mapping[str, Any], name: str) -> Any:
    given = fields.get(name)
    if given is None and name == "resolution":
        given = {"std": "720p", "pro": "1080p"}.get(fields.get("mode", ""))
    if given is None:
        return model[f"default_{name}"]
    return int(str(given).removesuffix("s")) if name == "duration" else given


@dataclass
class Brought:
    """An upload as its replies told of it; `route` is form, put or url."""

    account: str
    kind: str
    route: str
    made_at: int
    digest: str | None = None
    confirmed: bool = False
    state: str = "processing"
    source: str = ""


@dataclass
class RevidBooks(Books):
    """The accounts of one universe of RevidAPI, and their files."""

    brought: dict[str, Brought] = field(default_factory=dict)
    puts: dict[str, str] = field(default_factory=dict)
    sounds: dict[str, int] = field(default_factory=dict)
    urls: dict[str, str | None] = field(default_factory=dict)

    def known(self) -> Known:
        """Return what requests may name."""
        uploads = [*list(self.brought)[-12:], *list(self.brought)[:2]]
        puts = [(path, self.brought[upload]) for path, upload in self.puts.items()]
        open_ = [one for one in puts if one[1].digest is None and self.now < one[1].made_at + _PRESIGNED_MS]
        # Mostly such as may be put to, and a few that may not, or no longer.
        places = [(path, one.kind) for path, one in [*open_[-6:], *puts[-3:], *puts[:1]]]
        return Known(super().known().tasks, uploads, list(self.sounds)[-6:], list(self.urls)[-6:], places)

    def digests(self) -> Iterator[str]:
        """Yield what the server may keep on its disk for this universe."""
        for one in self.brought.values():
            if one.digest is not None:
                yield one.digest
            elif one.route != "put":
                # Of what is fetched, and of a form that was damaged where it did no harm, nobody tells which it is.
                yield from _SAMPLES if one.route == "url" else _SENT

    def unseen(self) -> Iterator[tuple[str, str, str]]:
        """Yield the uploads that need nobody to go on."""
        for name, one in list(self.brought.items()):
            if one.state == "processing" and one.route != "put" and one.account != "?":
                yield "getUpload", f"/v1/files/upload/{name}/status", one.account

    def files(self) -> Mapping[str, str | None]:
        """Return the newest addresses of uploads."""
        return dict(list(self.urls.items())[-6:])

    def note(self, made: Made, came: Came) -> None:
        """Enter one reply; raises WrongError when it does not fit its request."""
        if made.operation == "(file)":
            return _served(made, came)
        if made.bare:
            return self._put(made, came)
        if came.status != 200 or made.operation is None:
            return None
        body = json.loads(came.raw) if came.content_type == "application/json" else {}
        if made.value is UNREAD and made.method == "POST" and not _is_form(made) and made.operation != "cancelJob":
            raise WrongError("a body that cannot be read was answered 200")
        if made.operation.startswith("generate"):
            return self._job(made, body)
        look = _LOOKS.get(made.operation)
        return None if look is None else look(self, made, body)

    def _job(self, made: Made, body: Mapping[str, Any]) -> None:
        told = round(body["cost"] * MICROS)
        if made.value is not UNREAD:
            fields = fields_of(made.value, form=_is_form(made))
            seconds = self.sounds.get(fields.get("audio_id", ""), 0)
            agree("cost in micros", told, price(fields, made.path.partition("?")[0], seconds))
        self.tasks[body["job_id"]] = Open(made.account or "?", {}, told, told, state="pending")

    def _cancelled(self, made: Made, body: Mapping[str, Any]) -> None:
        task = self.tasks[body["job_id"]]
        if task.state not in {"pending", "processing"} and not task.unpolled:
            raise WrongError(f"a job was cancelled that was {task.state}")
        # Of a job nobody could look up last time, the ledger will tell what was given back.
        if task.state == "pending" and not task.unpolled:
            task.charged = 0
        task.state = "cancelled"

    def polled(self, task_id: str, body: Mapping[str, Any]) -> None:
        """Enter where a job is now; raises WrongError when that does not follow from what is known."""
        task = self.tasks[task_id]
        if "cancelled" in {task.state, body["status"]}:
            agree(f"status of {task_id}", body["status"], task.state)
        agree(f"cost of {task_id}", round(body["cost"] * MICROS), task.reserved)
        task.state = body["status"]
        if task.state == "failed":
            task.charged = 0

    def _uploaded(self, made: Made, body: Mapping[str, Any]) -> None:
        kind = (made.operation or "").removeprefix("upload").lower()
        one = self._add(made, body, kind, "form")
        if made.value is UNREAD:
            return
        files = made.value["file"]
        agree("number of files", len(files), 1)
        agree("kind of file", forms.kind_of(files[0]), kind)
        one.digest = sha256(files[0]).hexdigest()
        if "url" in body:
            agree("size", body["size_bytes"], len(files[0]))
            self.urls[body["url"]] = one.digest

    def _presigned(self, made: Made, body: Mapping[str, Any]) -> None:
        name = "" if made.value is UNREAD else fields_of(made.value, form=_is_form(made))["filename"]
        kind = "video" if name.lower().endswith(("mp4", "m4v", "mov", "webm")) else "image"
        self._add(made, body, kind, "put")
        if made.account is not None:
            self.puts[urlsplit(body["upload_url"]).path] = body["upload_id"]

    def _put(self, made: Made, came: Came) -> None:
        one = self.brought.get(self.puts.get(made.path, ""))
        if one is None:
            expected = 404
        elif self.now >= one.made_at + _PRESIGNED_MS or one.digest is not None:
            expected = 403
        elif len(made.body) > 20_971_520 and one.kind == "image":
            expected = 413
        else:
            expected = 200 if forms.kind_of(made.body) == one.kind else 400
        agree("status of a PUT", came.status, expected if made.method == "PUT" else 405)
        if came.status == 200 and one is not None:
            one.digest = sha256(made.body).hexdigest()

    def _confirmed(self, made: Made, body: Mapping[str, Any]) -> None:
        one = self.brought[body["upload_id"]]
        if one.digest is None and one.route != "url":
            raise WrongError("an upload was confirmed that has not arrived")
        one.confirmed = True
        self.urls[body["url"]] = one.digest

    def _fetched(self, made: Made, body: Mapping[str, Any]) -> None:
        fields = {} if made.value is UNREAD else fields_of(made.value, form=_is_form(made))
        self._add(made, body, fields.get("type", "?"), "url").source = fields.get("url", "")

    def _looked_up(self, made: Made, body: Mapping[str, Any]) -> None:
        one = self.brought[body["upload_id"]]
        agree("type", body["type"], body["type"] if one.kind == "?" else one.kind)
        one.state = body["status"]
        if one.state in _UNLIKELY.get(urlsplit(one.source).netloc, ()):
            raise WrongError(f"what was fetched from {one.source} is {one.state}")
        if body["status"] == "ready" and not (one.route == "form" or one.confirmed):
            raise WrongError("an upload is ready that nobody confirmed")
        if "url" in body:
            self.urls[body["url"]] = one.digest
        if "audio_id" in body:
            self.sounds[body["audio_id"]] = max(1, ceil(body["duration"]))

    def _add(self, made: Made, body: Mapping[str, Any], kind: str, route: str) -> Brought:
        one = self.brought[body["upload_id"]] = Brought(made.account or "?", kind, route, self.now)
        return one

    def forget(self) -> None:
        """Start over, as the server's state was reset."""
        super().forget()
        self.brought = {name: one for name, one in self.brought.items() if one.account == "?"}
        for gone in (self.puts, self.sounds, self.urls):
            gone.clear()


def _served(made: Made, came: Came) -> None:
    agree("status of a file", came.status, 200)
    agree("digest of a file", sha256(came.raw).hexdigest(), made.value or sha256(came.raw).hexdigest())


def _is_form(made: Made) -> bool:
    return bool(made.headers) and b"form" in made.headers[0][1].lower()


_Look = Callable[[RevidBooks, Made, Mapping[str, Any]], None]
_LOOKS: Mapping[str, _Look] = {
    "cancelJob": RevidBooks._cancelled,
    "uploadImage": RevidBooks._uploaded,
    "uploadVideo": RevidBooks._uploaded,
    "uploadAudio": RevidBooks._uploaded,
    "presignUpload": RevidBooks._presigned,
    "confirmUpload": RevidBooks._confirmed,
    "uploadFromUrl": RevidBooks._fetched,
    "getUpload": RevidBooks._looked_up,
}
