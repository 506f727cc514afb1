"""The blob store: files by universe and content, within a bound on the disk, gone with a reset and with the process."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from soundstage.core.call import BlobRef
from soundstage.store.blobs import BlobStore, BlobWriter
from support import sounds
from support.forms import PNG


@pytest.fixture
def store() -> Iterator[BlobStore]:
    made = BlobStore(most_bytes=1000, most_files=5)
    yield made
    made.close()


def put(store: BlobStore, content: bytes, universe: str = "u") -> BlobRef:
    writer = store.writer(universe)
    for at in range(0, len(content), 100):
        writer.add(content[at : at + 100])
    return writer.finish()


def on_disk(store: BlobStore) -> list[Path]:
    assert store._folder is not None
    return [path for path in Path(store._folder.name).rglob("*") if path.is_file()]


def has(store: BlobStore, content: bytes, universe: str = "u") -> bool:
    path = store.path(universe, sha256(content).hexdigest())
    return path is not None and path.read_bytes() == content


def test_a_file_is_kept_measured_and_typed(store: BlobStore) -> None:
    blob = put(store, PNG)
    assert blob == BlobRef(len(PNG), "image/png", sha256(PNG).hexdigest())
    assert has(store, PNG)
    assert not has(store, PNG, "v")
    sound = sounds.flac(3.25)
    assert put(store, sound).seconds == pytest.approx(3.25)


def test_without_a_place_nothing_is_kept() -> None:
    writer = BlobWriter()
    writer.add(PNG)
    assert writer.finish() == BlobRef(len(PNG), "image/png", sha256(PNG).hexdigest())
    writer.abort()


def test_the_same_bytes_are_kept_once_in_a_universe(store: BlobStore) -> None:
    for universe in ("u", "u", "v"):
        put(store, PNG, universe)
    assert len(on_disk(store)) == 2


def test_the_oldest_files_make_room_for_new_ones(store: BlobStore) -> None:
    first, second, third = (bytes([number]) * 400 for number in range(3))
    put(store, first)
    put(store, second)
    put(store, first)
    put(store, third)
    assert [has(store, one) for one in (first, second, third)] == [True, False, True]
    assert sum(path.stat().st_size for path in on_disk(store)) <= 1000


def test_there_are_only_so_many_files(store: BlobStore) -> None:
    contents = [bytes([number]) for number in range(8)]
    for content in contents:
        put(store, content)
    assert [has(store, one) for one in contents] == [False] * 3 + [True] * 5


def test_files_that_are_still_arriving_count_as_well(store: BlobStore) -> None:
    put(store, b"k" * 300)
    first, second = store.writer("u"), store.writer("u")
    first.add(b"a" * 500)
    second.add(b"b" * 400)
    assert not has(store, b"k" * 300)
    with pytest.raises(OSError, match="together"):
        second.add(b"b" * 200)
    second.abort()
    first.add(b"a" * 400)
    first.finish()
    assert has(store, b"a" * 900)
    assert len(on_disk(store)) == 1


def test_what_is_aborted_leaves_nothing_and_aborting_again_changes_nothing(store: BlobStore) -> None:
    for _ in range(5):
        writer = store.writer("u")
        writer.add(b"x" * 900)
        writer.abort()
        writer.abort()
    assert on_disk(store) == []
    put(store, b"y" * 1000)
    assert has(store, b"y" * 1000)


def test_aborting_after_the_end_keeps_the_file(store: BlobStore) -> None:
    writer = store.writer("u")
    writer.add(PNG)
    writer.finish()
    writer.abort()
    assert has(store, PNG)


def test_a_forgotten_universe_keeps_no_file_not_even_one_that_is_arriving(store: BlobStore) -> None:
    put(store, PNG)
    put(store, PNG, "v")
    writer = store.writer("u")
    writer.add(b"x" * 500)
    store.forget("u")
    assert not has(store, PNG)
    assert has(store, PNG, "v")
    with pytest.raises(FileNotFoundError):
        writer.finish()
    writer.abort()
    assert len(on_disk(store)) == 1
    put(store, b"z" * 700, "u")
    assert has(store, b"z" * 700)
    assert has(store, PNG, "v")


@pytest.mark.parametrize("name", ["..", "../../x", "/etc", "con", "a/b", ".", "u\n", "A" * 3000])
def test_the_name_of_a_universe_never_leaves_the_folder(store: BlobStore, name: str) -> None:
    put(store, PNG, name)
    assert has(store, PNG, name)
    assert len(on_disk(store)) == 1
    store.forget(name)
    assert on_disk(store) == []


def test_nothing_stays_after_the_end() -> None:
    store = BlobStore()
    put(store, PNG)
    folder = on_disk(store)[0].parents[1]
    store.close()
    assert not folder.exists()
    store.close()
    store.forget("u")
