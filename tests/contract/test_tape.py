"""A tape keeps what was said and no secret, and tells offline what the live run told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from soundstage.testing import Server
from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.layers.matrix import matrix
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.receiver import Receiver
from soundstage_contracts.stage import Stage
from soundstage_contracts.tape import Tape, TapeError, TapeWriter, replay
from soundstage_contracts.tape.replay import Stream, target_of
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import NotTested, Result, Verdict
from soundstage_contracts.wire import LiveSender

SUBJECTS = ("MONEY", "CALL", "LIMIT")
SECRET = "sk_live_0123456789+/abcdef"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(seed=7) as running:
        yield running


@dataclass(frozen=True)
class Recorded:
    """A tape and what the run that made it said."""

    path: Path
    live: dict[str, Result]
    secrets: tuple[str, ...]


def some(*subjects: str) -> tuple[Promise, ...]:
    return tuple(one for one in promises() if one.number.startswith(subjects))


def record(server: Server, provider: str, path: Path, chosen: tuple[Promise, ...]) -> Recorded:
    """Try promises on the simulator with its adapter, and tape it."""
    secrets: list[str] = []
    receiver = Receiver()
    writer = TapeWriter(path, provider, callback_url=receiver.url("").removesuffix("/callbacks/"))

    def see(exchange: Exchange) -> None:
        if exchange.request.path == "/__admin/keys" and exchange.reply is not None:
            made = exchange.reply.object()
            secrets.extend([made["key"], made["webhook_secret"]])
        writer.see(exchange)

    sender = LiveSender(f"{server.url}/{provider}")
    adapter = SoundstageAdapter(LiveSender(server.url), observe=see)
    driver, contract = driver_of(provider), Contract(provider, assumptions=True)
    target = Target(driver, contract, sender, adapter, receiver, observe=writer.see)
    live = {result.id: result for result in matrix(target, chosen)}
    for one in (writer, receiver, sender, adapter):
        one.close()
    return Recorded(path, live, tuple(secrets))


@pytest.fixture(scope="module")
def midsync(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(server, "midsync", tmp_path_factory.mktemp("tapes") / "midsync.jsonl", some(*SUBJECTS))


def edited(tape: Recorded, folder: Path, check: str, old: str, new: str) -> Path:
    """Write the tape again with one text changed in the first exchange of a check that has it."""
    lines = tape.path.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if f'"check":"{check}"' in line and old in line)
    lines[at] = lines[at].replace(old, new, 1)
    path = folder / "edited.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def same(tape: Recorded) -> Iterator[tuple[Result, Result]]:
    """Yield what the live run said of each promise beside what the tape says of it."""
    told = {result.id: result for result in replay(tape.path, tape.live.__contains__)}
    assert told.keys() == tape.live.keys()
    return ((tape.live[name], result) for name, result in told.items())


def test_a_tape_tells_what_the_live_run_told(midsync: Recorded) -> None:
    assert {Verdict.PASS} <= {one.verdict for one in midsync.live.values()} <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
    for live, told in same(midsync):
        signed = told.says == "the tape does not have the secret that signs the callbacks"
        assert told.verdict is (Verdict.NOT_TESTED if signed else live.verdict), (told.id, told.says)


def test_what_is_signed_with_a_secret_that_is_not_on_the_tape_is_not_tested(midsync: Recorded) -> None:
    untested = [told for _, told in same(midsync) if told.verdict is Verdict.NOT_TESTED]
    assert {told.says for told in untested} == {"the tape does not have the secret that signs the callbacks"}
    assert 0 < len(untested) < len(midsync.live) / 10


@pytest.mark.parametrize("provider", ["revidapi", "v2gateway", "apikeyorg"])
def test_a_tape_of_any_provider_tells_what_the_live_run_told(server: Server, tmp_path: Path, provider: str) -> None:
    tape = record(server, provider, tmp_path / "tape.jsonl", some("MONEY", "LIFE-001"))
    assert any(one.verdict is Verdict.PASS for one in tape.live.values())
    for live, told in same(tape):
        assert told.verdict is live.verdict, (told.id, told.says)


def test_how_a_key_begins_is_not_tested_where_the_key_is_not_on_the_tape(server: Server, tmp_path: Path) -> None:
    tape = record(server, "revidapi", tmp_path / "tape.jsonl", some("USAGE-201"))
    assert [(live.verdict, told.says) for live, told in same(tape)] == [
        (Verdict.PASS, "the tape does not have the key")
    ]


def test_every_operation_on_a_tape_is_held_against_the_documents(midsync: Recorded, tmp_path: Path) -> None:
    def shapes(path: Path) -> dict[str, Verdict]:
        return {one.id: one.verdict for one in replay(path, lambda name: "SHAPE" in name)}

    told = shapes(midsync.path)
    assert told["MID-SHAPE-001[generateVideo]"] is Verdict.PASS
    assert told["MID-SHAPE-001[listUsageLogs]"] in {Verdict.PASS, Verdict.NOT_TESTED}
    changed = edited(
        midsync, tmp_path, "MID-MONEY-001[generate]", '\\"status\\":\\"submitted\\"', '\\"status\\":\\"submitteD\\"'
    )
    assert shapes(changed)["MID-SHAPE-001[generateVideo]"] is Verdict.FAIL


def test_one_changed_byte_of_a_price_breaks_the_promise_about_prices(midsync: Recorded, tmp_path: Path) -> None:
    changed = edited(midsync, tmp_path, "MID-MONEY-001[generate]", '\\"pointsCharged\\":1', '\\"pointsCharged\\":3')
    verdicts = {one.id: one for one in replay(changed, midsync.live.__contains__)}
    broken = [one for one in verdicts.values() if one.verdict is Verdict.FAIL]
    assert [one.id for one in broken] == ["MID-MONEY-001[generate]"]
    assert "30" in broken[0].says
    assert broken[0].evidence


def test_what_is_not_on_the_tape_is_not_tested(midsync: Recorded, tmp_path: Path) -> None:
    header = midsync.path.read_text(encoding="utf-8").partition("\n")[0]
    path = tmp_path / "empty.jsonl"
    path.write_text(header + "\n", encoding="utf-8")
    told = [one for one in replay(path) if one.verdict is not Verdict.NOT_APPLICABLE]
    assert {one.verdict for one in told if "SHAPE" in one.id or one.id in midsync.live} == {Verdict.NOT_TESTED}


def test_another_request_than_the_taped_one_is_not_answered(midsync: Recorded) -> None:
    tape = Tape.read(midsync.path)
    mine = [kept for kept in tape.taped if kept.exchange.check == "MID-MONEY-001[generate]"]
    target = target_of(tape, Stream(mine), driver_of("midsync"), Contract("midsync", assumptions=True))
    first = mine[0].exchange
    with pytest.raises(NotTested, match="the tape has nothing for GET /unified-video/models"):
        target.sender.send(Request("GET", "/unified-video/models", first.request.headers))
    for other in (
        Request(first.request.method, first.request.path, first.request.headers, first.request.body + b" "),
        Request(first.request.method, f"{first.request.path}?a=b", first.request.headers, first.request.body),
        Request(first.request.method, first.request.path, first.request.headers[:-1], first.request.body),
        Request(first.request.method, first.request.path, (("a", "b"), *first.request.headers), first.request.body),
    ):
        with pytest.raises(NotTested):
            target.sender.send(other)
    assert target.sender.send(first.request) == first.reply


def test_requests_sent_together_find_their_replies_in_any_order(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "tape", "midsync", given=Account("given", SECRET))
    driver = driver_of("midsync")
    for number in range(4):
        request = driver.authorize(Request.get(f"/unified-video/t{number}/status"), SECRET, "bearer")
        writer.see(Exchange(request, Reply(200, (), b"%d" % number), "call", "MID-X-001", "given"))
    writer.close()
    tape = Tape.read(tmp_path / "tape")
    target = target_of(tape, Stream(tape.taped), driver, Contract("midsync", assumptions=True))
    asked = [Request.get(f"/unified-video/t{number}/status") for number in (2, 0, 3, 1)]
    assert [one.body for one in Stage(target, "MID-X-001").together(asked)] == [b"2", b"0", b"3", b"1"]


def test_a_tape_made_without_an_adapter_has_the_given_account(server: Server, tmp_path: Path) -> None:
    driver, contract = driver_of("midsync"), Contract("midsync", assumptions=True)
    made = SoundstageAdapter(LiveSender(server.url)).open("midsync", "given", Wanted())
    given = Account("given", made.key, made.secret)
    writer = TapeWriter(tmp_path / "tape", "midsync", given=given)
    sender = LiveSender(f"{server.url}/midsync")
    target = Target(driver, contract, sender, None, None, given, observe=writer.see)
    live = {one.id: one.verdict for one in matrix(target, some("MODEL", "AUTH"))}
    writer.close()
    sender.close()
    assert {Verdict.PASS, Verdict.NOT_TESTED} <= set(live.values())
    assert {one.id: one.verdict for one in replay(tmp_path / "tape", live.__contains__)} == live


def test_no_key_and_no_webhook_secret_is_on_a_tape(midsync: Recorded) -> None:
    text = midsync.path.read_text(encoding="utf-8")
    assert len(midsync.secrets) > 20
    assert [secret for secret in midsync.secrets if secret in text] == []
    assert "Bearer <key 1>" in text
    assert "<secret 1>" in text
    assert not midsync.path.with_name(midsync.path.name + ".part").exists()


def test_bytes_headers_and_callbacks_come_back_as_they_were(tmp_path: Path) -> None:
    headers = (("A", "1"), ("a", "2"), ("B", "\u00e9"))
    given = [
        Exchange(Request("PUT", "/x", headers, b"\xff\x00"), Reply(200, headers, b"\xfe", 0.25), "file", "c", "d"),
        Exchange(Request("POST", "/callbacks/box", headers, b"{}"), Reply(500), "callback", "c"),
        Exchange(Request("GET", "/y"), None, "call", "c", "d", "gave no answer"),
    ]
    writer = TapeWriter(tmp_path / "tape", "midsync", base_url="http://127.0.0.1:4090/midsync", seed=3)
    for exchange in given:
        writer.see(exchange, "L1")
    writer.close()
    tape = Tape.read(tmp_path / "tape")
    assert [kept.exchange for kept in tape.taped] == given
    assert {kept.layer for kept in tape.taped} == {"L1"}
    assert [kept.at > 0 for kept in tape.taped] == [False, True, False]
    assert (tape.header.provider, tape.header.base_url, tape.header.seed) == (
        "midsync",
        "http://127.0.0.1:4090/midsync",
        3,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no tape of version 1"),
        ("no tape", "line 1 is no JSON"),
        ("\xff\x00", "line 1 is no JSON"),
        ("[" * 100_000, "line 1 is no JSON"),
        ('{"soundstage_tape": 2, "provider": "midsync"}', "is no tape of version 1"),
        ('{"soundstage_tape": 1}', "has a line that is no exchange"),
        ('{"soundstage_tape": 1, "provider": "midsync"}\n{}', "has a line that is no exchange"),
        ('{"soundstage_tape": 1, "provider": "someone"}', "a provider nobody knows here"),
    ],
)
def test_a_file_that_is_no_tape_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "tape"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(TapeError, match=says):
        list(replay(path))
