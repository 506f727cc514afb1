"""Files are known by their first bytes, whatever they are called."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import soundstage.media
from soundstage.media.kinds import kind_of

SAMPLES = Path(soundstage.media.__file__).parent / "samples"
STARTS: list[tuple[bytes, str]] = [
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", "image/jpeg"),
    (b"\xff\xd8\xff\xe1\0\x10Exif\0\0", "image/jpeg"),
    (b"GIF87a\1\0\1\0\0\0", "image/gif"),
    (b"GIF89a\1\0\1\0\0\0", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
    (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
    (b"\0\0\0\x1cftypheic\0\0\0\0", "image/heic"),
    (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
    (b"\0\0\0\x20ftypisom\0\0\2\0", "video/mp4"),
    (b"\0\0\0\x20ftypmp42\0\0\0\0", "video/mp4"),
    (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81", "video/webm"),
    (b"\0\0\0\x1cftypM4A \0\0\0\0", "audio/mp4"),
    (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
    (b"ID3\4\0\0\0\0\0\0\0\0", "audio/mpeg"),
    (b"\xff\xfb\x90d\0\0\0\0\0\0\0\0", "audio/mpeg"),
    (b"OggS\0\2\0\0\0\0\0\0", "audio/ogg"),
    (b"fLaC\0\0\0\x22\x10\0\x10\0", "audio/flac"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf", "application/pdf"),
]


@pytest.mark.parametrize(("head", "kind"), STARTS, ids=[f"{kind} {head[:6]!r}" for head, kind in STARTS])
def test_a_known_beginning_is_named_and_twelve_bytes_are_enough(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind_of(head[:12]) == kind_of(head + b"\0" * 10_000) == kind


@pytest.mark.parametrize(("name", "kind"), [("png", "image/png"), ("mp4", "video/mp4"), ("wav", "audio/wav")])
def test_the_simulators_own_samples_are_known(name: str, kind: str) -> None:
    assert kind_of((SAMPLES / f"sample.{name}").read_bytes()[:512]) == kind


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_another_program_wrote_is_known(form: str) -> None:
    written = BytesIO()
    Image.new("RGB", (2, 2), "red").save(written, form)
    assert kind_of(written.getvalue()) == f"image/{form.lower()}"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x89",
        b"\x89PNG",
        b"\x89PNG\n\x1a\n",
        b" GIF89a",
        b"GIF88a",
        b"\xff\xd8",
        b"RIFF\x24\0\0\0AVI LIST",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><body>hello</body></html>",
        b"MZ\x90\0\3\0\0\0",
        b"PK\3\4\x14\0\0\0",
        b"plain text of some length",
        b"\0" * 64,
    ],
)
def test_anything_else_is_not_guessed(head: bytes) -> None:
    assert kind_of(head) is None


@pytest.mark.parametrize("head", [b"12345678WEBP", b"12345678WAVE", b"\0\0\0\0\0\0\0\0WEBPVP8 "])
def test_webp_and_wave_need_their_container(head: bytes) -> None:
    assert kind_of(head) is None


@pytest.mark.parametrize("brand", [b"mif1", b"heix", b"avis"])
def test_a_picture_of_the_mp4_family_is_not_taken_for_a_video(brand: bytes) -> None:
    """Phones write HEIF pictures under these brands, and a video would cost more."""
    kind = kind_of(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0")
    assert kind is None or kind.startswith("image/")


@settings(deadline=None)
@given(st.binary(max_size=64), st.binary(max_size=64))
def test_any_bytes_are_judged_by_their_first_twelve_alone(head: bytes, tail: bytes) -> None:
    assert kind_of(head.ljust(12, b"\0") + tail) == kind_of(head.ljust(12, b"\0"))
    kind = kind_of(head)
    assert kind is None or kind.count("/") == 1
