"""Sound files of a known length, as small as they can be."""

from __future__ import annotations

import io
import struct
import wave
from binascii import crc32

RATE = 8000


def wav(seconds: float) -> bytes:
    """Return silence as 8-bit mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(RATE)
        sound.writeframes(b"\x80" * int(seconds * RATE))
    return file.getvalue()


def mp3(frames: int) -> bytes:
    """Return frames of 128 kbit/s at 44.1 kHz, 1152 samples each."""
    return (b"\xff\xfb\x90\xc0" + bytes(413)) * frames


def ogg(seconds: float, rate: int = 44_100) -> bytes:
    """Return a Vorbis stream of headers only, whose last page says how many samples there were."""
    first = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 1, rate, 0, 64_000, 0, 0xB8, 1)
    comment = b"\x03vorbis" + struct.pack("<I", 4) + b"test" + struct.pack("<I", 0) + b"\x01"
    samples = int(seconds * rate)
    pages = [(2, 0, first), (0, 0, comment), (0, samples // 2, bytes(40)), (4, samples, bytes(40))]
    return b"".join(_page(number, *page) for number, page in enumerate(pages))


def _page(number: int, flags: int, granule: int, packet: bytes) -> bytes:
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, granule, 1, number, crc32(packet))
    return head + bytes([1, len(packet)]) + packet


def flac(seconds: float, rate: int = 44_100) -> bytes:
    """Return a FLAC file's stream information and nothing else."""
    samples = int(seconds * rate)
    packed = (rate << 44) | (15 << 36) | samples
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + struct.pack(">I", 0x80000000 | len(info)) + info
