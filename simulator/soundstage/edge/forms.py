"""The strict reader of HTML forms: multipart and urlencoded bodies become a `Form`, or a problem.

Files are measured, typed by their first bytes and hashed as they arrive; a provider's handler sees a `BlobRef`.
"""

from hashlib import sha256
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_request import BaseRequest
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from soundstage.core.call import BlobRef, Form, Problem
from soundstage.edge.body import read_bytes
from soundstage.media.kinds import kind_of

FIELD_LIMIT = 1_048_576
FILE_LIMIT = 33_554_432
FORM_LIMIT = FILE_LIMIT + 8 * FIELD_LIMIT
MOST_PARTS = 100
_HEAD = 512


class _Part:
    """One part on its way in: a field's text, or a file's digest."""

    def __init__(self, name: str, *, is_file: bool) -> None:
        self.name = name
        self.is_file = is_file
        self.size = 0
        self._kept = bytearray()
        self._digest = sha256()

    def add(self, data: bytes | bytearray) -> None:
        self.size += len(data)
        if self.is_file:
            self._digest.update(data)
            self._kept += data[: _HEAD - len(self._kept)] if len(self._kept) < _HEAD else b""
        else:
            self._kept += data

    @property
    def too_large(self) -> bool:
        return self.size > (FILE_LIMIT if self.is_file else FIELD_LIMIT)

    def value(self) -> str | BlobRef:
        """Return the field; raises UnicodeDecodeError for text that is not UTF-8."""
        if self.is_file:
            return BlobRef(self.size, kind_of(bytes(self._kept)), self._digest.hexdigest())
        return self._kept.decode()


def is_form(content_type: str | None) -> bool:
    """Tell whether a body announces itself as a form."""
    media = (content_type or "").partition(";")[0].strip().lower()
    return media in {"multipart/form-data", "application/x-www-form-urlencoded"}


async def read_form(request: BaseRequest) -> Form | Problem:
    """Return the fields of a form body, or the problem with it."""
    media, options = parse_options_header(request.headers.get("Content-Type", ""))
    if media.lower() == "application/x-www-form-urlencoded":
        raw = await read_bytes(request, FIELD_LIMIT)
        return raw if isinstance(raw, Problem) else _urlencoded(raw)
    boundary = options.get("boundary", "")
    if not (0 < len(boundary) <= 70 and boundary.isascii()):
        return Problem("malformed_body", "The header Content-Type of a multipart body must name its boundary.")
    try:
        return await _multipart(request, boundary)
    except ParserLimitReached:
        return Problem("payload_too_large", f"A form may have at most {MOST_PARTS} parts with short headers.")
    except (MultipartError, web.RequestPayloadError):
        return Problem("malformed_body", "The multipart body is damaged: its parts do not fit its boundary.")
    except UnicodeDecodeError:
        return Problem("malformed_body", "The fields of a form must be UTF-8.")


class _Intake:
    """A form as its parts arrive."""

    def __init__(self) -> None:
        self.form = Form()
        self._part: _Part | None = None

    def take(self, event: MultipartSegment | bytearray | None) -> Problem | None:
        """Take one event of the parser: a part begins, goes on or (None) ends."""
        if isinstance(event, MultipartSegment):
            if not event.name:
                return Problem("malformed_body", "Every part of a form needs a name.")
            self._part = _Part(event.name, is_file=event.filename is not None)
        elif self._part is None:
            return None
        elif event is None:
            _add(self.form, self._part.name, self._part.value())
        else:
            self._part.add(event)
            return _too_large(self._part) if self._part.too_large else None
        return None


async def _multipart(request: BaseRequest, boundary: str) -> Form | Problem:
    intake, read = _Intake(), 0
    # Not its strict mode: there the line end after the last boundary is refused when it comes in a packet of its own.
    parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
    while not parser.closed:
        chunk = await request.content.readany()
        read += len(chunk)
        if read > FORM_LIMIT:
            return Problem("payload_too_large", f"A form may have at most {FORM_LIMIT} bytes.")
        for event in parser.parse(chunk):
            problem = intake.take(event)
            if problem is not None:
                return problem
    return intake.form


def _add(form: Form, name: str, value: str | BlobRef) -> None:
    form.setdefault(name.removesuffix("[]"), []).append(value)


def _too_large(part: _Part) -> Problem:
    if part.is_file:
        return Problem("payload_too_large", f"A file may have at most {FILE_LIMIT} bytes.", part.name[:60])
    return Problem("payload_too_large", f"A form field may have at most {FIELD_LIMIT} bytes.", part.name[:60])


def _urlencoded(raw: bytes) -> Form | Problem:
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARTS)
    except UnicodeDecodeError:
        return Problem("malformed_body", "The fields of a form must be percent-encoded UTF-8.")
    except ValueError:
        return Problem("payload_too_large", f"A form may have at most {MOST_PARTS} fields.")
    form = Form()
    for name, value in pairs:
        _add(form, name, value)
    return form
