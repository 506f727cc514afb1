"""Uploads in the core: what one is at a time, who gets the bytes in, and which make room (R-REV-020, 021, 182, 186)."""

from __future__ import annotations

from typing import Any

import pytest

from soundstage.core import uploads
from soundstage.core.call import BlobRef
from soundstage.core.uploads import KEPT_MS, MOST_UPLOADS, Upload
from soundstage.core.view import Tx
from unit.stage import a_key, after, opened

BLOB = BlobRef(100, "video/mp4", "0" * 64)
SOUND = BlobRef(100, "audio/wav", "0" * 64, 12.5)
SOURCE = "http://127.0.0.1/a.mp4"


def an_upload(tx: Tx, number: int = 1, account: str = "k", **fields: Any) -> Upload:
    given: dict[str, Any] = {
        "id": f"up_{number}",
        "provider": "revidapi",
        "key_id": account,
        "account": account,
        "kind": "video",
        "created_at": tx.now,
        "expires_at": tx.now + 1000,
        "most_bytes": 100,
        "kinds": ("video/mp4",),
        **fields,
    }
    return Upload(**given)


def state_at(tx: Tx, ms: int, upload_id: str = "up_1") -> str:
    found: Upload = tx.get("upload", upload_id)
    return found.state(found.created_at + ms)


def test_what_waits_for_its_bytes_expires() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx))
    assert [state_at(tx, ms) for ms in (0, 999, 1000)] == ["awaiting", "awaiting", "expired"]


def test_what_has_arrived_is_kept_longer_than_its_url() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx))
    tx = after(tx, tx.now + 999)
    uploads.arrived(tx, "up_1", BLOB)
    assert [state_at(tx, ms) for ms in (999, 1000, 998 + KEPT_MS, 999 + KEPT_MS)] == [*["ready"] * 3, "expired"]


def test_what_began_to_arrive_in_time_may_end_late() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx))
    tx = after(tx, tx.now + 5000)
    assert uploads.arrived(tx, "up_1", BLOB) is not None
    assert state_at(tx, 5000) == "ready"


def test_only_the_first_of_two_files_counts() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx))
    other = BlobRef(50, "video/mp4", "1" * 64)
    assert uploads.arrived(tx, "up_1", BLOB) is not None
    assert uploads.arrived(tx, "up_1", other) is None
    uploads.failed(tx, "up_1", "too late")
    assert tx.get("upload", "up_1").blob == BLOB
    assert state_at(tx, 0) == "ready"


def test_a_file_for_an_upload_that_is_gone_goes_nowhere() -> None:
    tx = opened()
    assert uploads.arrived(tx, "up_1", BLOB) is None
    uploads.failed(tx, "up_1", "gone")
    assert tx.get("upload", "up_1") is None


def test_what_is_processed_is_ready_afterwards_and_a_clock_moves_there() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx, processing_ms=300))
    tx = after(tx, tx.now)
    assert tx.first("event") is None
    uploads.arrived(tx, "up_1", BLOB)
    assert [state_at(tx, ms) for ms in (0, 299, 300)] == ["processing", "processing", "ready"]
    tx = after(tx, tx.now)
    assert tx.first("event")[0] == tx.now + 300


def test_what_has_a_source_is_processing_until_it_came_or_failed() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx, source=SOURCE, expires_at=tx.now + KEPT_MS))
    uploads.announce(tx, an_upload(tx, 2, source=SOURCE, expires_at=tx.now + KEPT_MS))
    tx = after(tx, tx.now)
    assert tx.count("attempt") == 2
    assert state_at(tx, 5000) == "processing"
    uploads.arrived(tx, "up_1", BLOB)
    uploads.failed(tx, "up_2", "the source answered 404")
    assert state_at(tx, 0) == "ready"
    assert state_at(tx, 2 * KEPT_MS, "up_2") == "failed"


@pytest.mark.parametrize("seconds", [None, 12.6, 1e6])
def test_a_sound_that_is_too_long_or_tells_no_length_fails_once_it_was_looked_at(seconds: float | None) -> None:
    blob = BlobRef(100, "audio/wav", "0" * 64, seconds)
    tx = opened()
    fields: dict[str, Any] = {"kind": "audio", "processing_ms": 300, "most_seconds": 12}
    uploads.announce(tx, an_upload(tx, arrived_at=tx.now, blob=blob, **fields))
    uploads.announce(tx, an_upload(tx, 2, source=SOURCE, **fields))
    uploads.arrived(tx, "up_2", blob)
    for name in ("up_1", "up_2"):
        assert [state_at(tx, ms, name) for ms in (0, 299, 300)] == ["processing", "processing", "failed"]


def test_a_sound_of_the_right_length_is_ready() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx, kind="audio", arrived_at=tx.now, blob=SOUND, most_seconds=13))
    assert state_at(tx, 0) == "ready"


def test_an_account_sees_only_its_own_uploads() -> None:
    tx = opened()
    uploads.announce(tx, an_upload(tx))
    assert uploads.find(tx, "up_1", a_key()) is not None
    assert uploads.find(tx, "up_1", a_key("b")) is None
    assert uploads.find(tx, "up_2", a_key()) is None


def test_the_oldest_of_an_account_make_room_and_no_other_s() -> None:
    tx = opened()
    for number in range(1, 7):
        tx = after(tx, tx.now)
        uploads.announce(tx, an_upload(tx, number, account="b" if number == 1 else "k"), most=3)
    assert [row.id for _, row in tx.scan("upload")] == ["up_1", "up_4", "up_5", "up_6"]


def test_a_universe_keeps_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_UPLOADS == 2000
    monkeypatch.setattr(uploads, "MOST_UPLOADS", 3)
    tx = opened()
    for number in range(1, 6):
        tx = after(tx, tx.now)
        uploads.announce(tx, an_upload(tx, number, account=f"a{number}"))
    assert [row.id for _, row in tx.scan("upload")] == ["up_3", "up_4", "up_5"]


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (BlobRef(0, None, ""), "Empty file"),
        (BlobRef(101, "video/mp4", ""), "at most 100 "),
        (BlobRef(100, None, ""), "of no kind known here"),
        (BlobRef(100, "image/png", ""), "image/png; send one of video/mp4"),
    ],
)
def test_bytes_that_are_something_else_do_not_fit(blob: BlobRef, reason: str) -> None:
    upload = an_upload(opened())
    assert reason in str(uploads.misfit(upload, blob))
    assert uploads.misfit(upload, BLOB) is None
