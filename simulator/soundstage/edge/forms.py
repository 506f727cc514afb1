"""The strict reader of HTML forms: multipart and urlencoded bodies become a `Form`, or a problem.

Files are measured, typed by their first bytes and hashed as they arrive; a provider's handler sees a `BlobRef`.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_request import BaseRequest
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from soundstage.core.call import BlobRef, Form, Problem
from soundstage.edge.body import read_bytes, unreadable
from soundstage.store.blobs import BlobWriter

FIELD_LIMIT = 1_048_576
_BESIDE_A_FILE = 8 * FIELD_LIMIT
MOST_PARTS = 100
Keep = Callable[[], BlobWriter]


class _Field:
    """A text field on its way in."""

    def __init__(self) -> None:
        self._text = bytearray()

    @property
    def size(self) -> int:
        return len(self._text)

    def add(self, data: bytes | bytearray) -> None:
        self._text += data

    def finish(self) -> str:
        """Return the text; raises UnicodeDecodeError when it is not UTF-8."""
        return self._text.decode()

    def abort(self) -> None:
        self._text.clear()


def is_form(content_type: str | None) -> bool:
    """Tell whether a body announces itself as a form."""
    media = (content_type or "").partition(";")[0].strip().lower()
    return media in {"multipart/form-data", "application/x-www-form-urlencoded"}


async def read_form(request: BaseRequest, most_file: int, keep: Keep = BlobWriter) -> Form | Problem:
    """Return the fields of a form body, or the problem with it.

    A file may have `most_file` bytes; `keep` makes what takes it in.
    """
    media, options = parse_options_header(request.headers.get("Content-Type", ""))
    if media.lower() == "application/x-www-form-urlencoded":
        raw = await read_bytes(request, FIELD_LIMIT)
        if not isinstance(raw, Problem) and raw.lstrip().startswith(b"{"):
            # What curl -d sends without a header of its own.
            return Problem("unsupported_media_type", "This looks like JSON; send Content-Type: application/json.")
        return raw if isinstance(raw, Problem) else _urlencoded(raw)
    boundary = options.get("boundary", "")
    if not (0 < len(boundary) <= 70 and boundary.isascii()):
        return Problem("malformed_body", "The header Content-Type of a multipart body must name its boundary.")
    intake = _Intake(most_file, keep)
    try:
        return await _multipart(request, boundary, intake)
    except web.RequestPayloadError:
        return unreadable(request)
    except (MultipartError, UnicodeDecodeError, OSError) as error:
        return _told(error)
    finally:
        intake.abort()


def _told(error: Exception) -> Problem:
    """Say what went wrong with a multipart body in a sentence for its sender."""
    if isinstance(error, ParserLimitReached):
        return Problem("payload_too_large", f"A form may have at most {MOST_PARTS} parts with short headers.")
    if isinstance(error, MultipartError):
        return Problem("malformed_body", "The multipart body is damaged: its parts do not fit its boundary.")
    if isinstance(error, UnicodeDecodeError):
        return Problem("malformed_body", "The fields of a form must be UTF-8.")
    if isinstance(error, FileNotFoundError):
        return Problem("malformed_body", "This universe was reset while the file arrived; send it again.")
    return Problem("payload_too_large", f"The file could not be kept: {error}.")


class _Intake:
    """A form as its parts arrive."""

    def __init__(self, most_file: int, keep: Keep) -> None:
        self.form = Form()
        self.most_file = most_file
        self._keep = keep
        self._name = ""
        self._part: _Field | BlobWriter | None = None

    def take(self, event: MultipartSegment | bytearray | None) -> Problem | None:
        """Take one event of the parser: a part begins, goes on or (None) ends."""
        if isinstance(event, MultipartSegment):
            if not event.name:
                return Problem("malformed_body", "Every part of a form needs a name.")
            self._name, self._part = event.name, _Field() if event.filename is None else self._keep()
        elif self._part is not None and event is None:
            _add(self.form, self._name, self._part.finish())
            self._part = None
        elif self._part is not None and event is not None:
            self._part.add(event)
            return self._too_large(self._part)
        return None

    def _too_large(self, part: _Field | BlobWriter) -> Problem | None:
        what, most = ("A form field", FIELD_LIMIT) if isinstance(part, _Field) else ("A file", self.most_file)
        if part.size <= most:
            return None
        return Problem("payload_too_large", f"{what} may have at most {most} bytes.", self._name[:60])

    def abort(self) -> None:
        """Drop the part that did not end."""
        if self._part is not None:
            self._part.abort()


async def _multipart(request: BaseRequest, boundary: str, intake: _Intake) -> Form | Problem:
    read = 0
    # Not its strict mode: there the line end after the last boundary is refused when it comes in a packet of its own.
    parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
    while not parser.closed:
        chunk = await request.content.readany()
        read += len(chunk)
        if read > intake.most_file + _BESIDE_A_FILE:
            return Problem("payload_too_large", f"A form may have at most {intake.most_file + _BESIDE_A_FILE} bytes.")
        for event in parser.parse(chunk):
            problem = intake.take(event)
            if problem is not None:
                return problem
    return intake.form


def _add(form: Form, name: str, value: str | BlobRef) -> None:
    form.setdefault(name.removesuffix("[]"), []).append(value)


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
