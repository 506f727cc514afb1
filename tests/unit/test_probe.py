"""How long a sound is, read from its bytes; files that are no sound, or pretend to be, have no length (R-REV-182)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundstage.media import probe
from soundstage.media.probe import seconds_of
from support import sounds

MEBIBYTE = 1 << 20


def measured(folder: Path, content: bytes) -> float | None:
    path = folder / "sound"
    path.write_bytes(content)
    return seconds_of(path)


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (sounds.wav(1.5), 1.5),
        (sounds.wav(0.25), 0.25),
        (sounds.mp3(100), 100 * 1152 / 44_100),
        (b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + sounds.mp3(100), 100 * 1152 / 44_100),
        (sounds.ogg(12.5), 12.5),
        (sounds.flac(3.25), 3.25),
    ],
    ids=["wav", "short wav", "mp3", "mp3 with a tag", "ogg", "flac"],
)
def test_r_rev_182_a_sound_is_as_long_as_it_was_made(tmp_path: Path, content: bytes, seconds: float) -> None:
    assert measured(tmp_path, content) == pytest.approx(seconds, abs=0.02)


HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "riff cut short": b"RIFF\xff\xff\xff\x7fWAVE",
    "no samples": sounds.wav(0),
    "rate 0": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0" + bytes(8) + b"\x01\0\x08\0data\xff\xff\xff\xff",
    "chunk of 4 GiB": b"RIFF\xff\xff\xff\x7fWAVEfmt \xff\xff\xff\xff" + bytes(100),
    "a million chunks": b"RIFF\xff\xff\xff\x7fWAVE" + b"abcd\0\0\0\0" * 131_072,
    "frames of noise": b"\xff\xfb" * MEBIBYTE,
    "no frame": b"ID3\x03\0\0\0\0\0\0" + bytes(MEBIBYTE),
    "empty pages": (b"OggS\0" + bytes(21) + b"\0") * 100_000,
    "page of another version": b"OggS\1" + bytes(200),
    "flac without information": b"fLaC" + bytes(1000),
    "atoms without end": b"\0\0\0\x20ftypM4A " + bytes(20) + b"\0\0\0\x08free" * 131_072,
    "atoms in atoms": b"\0\0\0\x20ftypM4A " + bytes(20) + b"".join(
        struct.pack(">I4s", MEBIBYTE - 8 * depth, b"moov") for depth in range(2000)
    ),
    "an atom of no size": b"\0\0\0\x20ftypM4A " + bytes(20) + b"\0\0\0\0moov" * 1000,
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_has_no_length(tmp_path: Path, content: bytes) -> None:
    assert measured(tmp_path, content) is None


def test_a_file_that_is_gone_has_no_length(tmp_path: Path) -> None:
    assert seconds_of(tmp_path / "none") is None


def test_reading_ends_after_so_many_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(tmp_path, sounds.mp3(2000)) is not None
    monkeypatch.setattr(probe, "MOST_READS", 3)
    assert measured(tmp_path, sounds.mp3(2000)) is None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(
        [b"RIFF\0\0\0\0WAVE", b"OggS\0", b"fLaC", b"ID3\x04\0\0", b"\xff\xfb", b"\0\0\0\x18ftypM4A "]
    ),
    rest=st.binary(max_size=500),
)
def test_no_bytes_break_the_reading(tmp_path: Path, start: bytes, rest: bytes) -> None:
    found = measured(tmp_path, start + rest)
    assert found is None or found > 0


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_damaged_sound_breaks_nothing(tmp_path: Path, cut: int) -> None:
    for content in (sounds.wav(0.05), sounds.ogg(1.0), sounds.flac(1.0), sounds.mp3(3)):
        damaged = bytearray(content)
        damaged[cut % len(content)] ^= 0xFF
        for one in (content[:cut], bytes(damaged)):
            found = measured(tmp_path, one)
            assert found is None or found > 0
