"""The same seed and the same requests give the same bytes, in any order; what should not matter does not."""

import asyncio
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundstage.core.view import Tx
from unit.stage import BASE_URL, BODIES, GROK, SEEDANCE, Stage, Wall, as_bytes

HOOK = "http://127.0.0.1:9/hook"
REQUESTS: list[dict[str, Any]] = [
    *({**body, "callbackUrl": HOOK} for body in BODIES),
    *(dict(body) for body in BODIES),
    *(dict(SEEDANCE) for _ in range(4)),
    *({**GROK, "prompt": f"wave {number}"} for number in range(20)),
]


async def show(stage: Stage) -> list[bytes]:
    """Play the requests one by one and return every byte anybody could see."""
    seen: list[bytes] = []
    ids: list[str] = []
    for body in REQUESTS:
        reply = await stage.call("generateVideo", body)
        seen.append(as_bytes(reply))
        ids.append(reply.body["taskId"])
    start = await stage.run(lambda tx: tx.now)
    for minute in range(8):
        await stage.world.forward(stage.universe, start + minute * 40_000)
        seen += [as_bytes(await stage.call("getVideoStatus", params={"taskId": task_id})) for task_id in ids]
    seen += [as_bytes(await stage.call(name)) for name in ("listUsageLogs", "getUsageSummary", "listModels")]
    tables = ("delivery", "entry", "wallet", "task")
    seen.append(await stage.run(lambda tx: repr([list(tx.scan(table)) for table in tables]).encode()))
    return seen


async def results(stage: Stage, requests: list[dict[str, Any]], at_once: int) -> Counter[tuple[bytes, int, bytes]]:
    """Create every task, `at_once` at a time, and return (request, run, id) of each, however they are ordered."""
    gate = asyncio.Semaphore(at_once)

    async def one(body: dict[str, Any]) -> None:
        async with gate:
            await asyncio.sleep(0)
            assert (await stage.call("generateVideo", body)).status == 200

    await asyncio.gather(*(one(body) for body in requests))
    rows = await stage.run(lambda tx: [task for _, task in tx.scan("task")])
    return Counter((task.request, task.delay_ms + task.run_ms, task.id.encode()) for task in rows)


async def only(stage: Stage, body: dict[str, Any]) -> Any:
    """Create one task and return its row."""
    assert (await stage.call("generateVideo", body)).status == 200
    rows = await stage.run(lambda tx: [task for _, task in tx.scan("task")])
    return rows[-1]


async def test_two_fresh_worlds_with_the_same_seed_and_requests_show_the_same_bytes() -> None:
    first, second = await show(Stage()), await show(Stage(wall=Wall(2_000_000_000_000)))
    assert first == second
    text = b"".join(first)
    assert b'"completed"' in text
    assert b'"processing"' in text
    assert b"evt_" in text


async def test_callback_bodies_are_the_same_bytes_and_equal_the_status_body() -> None:
    bodies = []
    for _ in range(2):
        stage = Stage()
        task = await only(stage, {**SEEDANCE, "callbackUrl": HOOK})
        await stage.world.forward(stage.universe, task.ends_at)
        (delivery,) = await stage.run(lambda tx: [row for _, row in tx.scan("delivery")])
        assert delivery.body == as_bytes(await stage.call("getVideoStatus", params={"taskId": task.id}))
        bodies.append((delivery.id, delivery.event_id, delivery.body))
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("at_once", [1, 64])
async def test_arrival_order_changes_nothing_but_the_order(at_once: int) -> None:
    expected = await results(Stage(), REQUESTS, 1)
    assert sum(expected.values()) == len(expected) == len(REQUESTS)
    backwards = REQUESTS[::-1]
    mixed = REQUESTS[1::2] + REQUESTS[::2]
    for order in (REQUESTS, backwards, mixed):
        assert await results(Stage(), order, at_once) == expected


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(REQUESTS))
def test_any_shuffle_gives_the_same_results(order: list[dict[str, Any]]) -> None:
    def ids(requests: list[dict[str, Any]]) -> list[str]:
        stage = Stage()
        return sorted(stage.create(body) for body in requests)

    assert ids(order) == ids(REQUESTS)


async def test_identical_requests_get_different_ids_and_a_third_one_disturbs_neither() -> None:
    stage, other = Stage(), Stage()
    plain = [(await only(stage, dict(SEEDANCE))).id for _ in range(2)]
    mixed = []
    for _ in range(2):
        mixed.append((await only(other, dict(SEEDANCE))).id)
        await only(other, dict(GROK))
    assert plain == mixed
    assert plain[0] != plain[1]


@pytest.mark.parametrize("other", [{"seed": 8}, {"universe": "u_elsewhere"}], ids=["seed", "universe name"])
async def test_another_seed_or_universe_gives_other_ids(other: dict[str, Any]) -> None:
    here = await only(Stage(), dict(SEEDANCE))
    there = await only(Stage(**other), dict(SEEDANCE))
    assert here.id != there.id


async def test_the_universe_does_not_depend_on_what_the_machine_clock_shows() -> None:
    early, late = Stage(wall=Wall(1)), Stage(wall=Wall(9_000_000_000_000))
    assert await only(early, dict(SEEDANCE)) == await only(late, dict(SEEDANCE))


async def test_a_reset_universe_repeats_its_ids() -> None:
    from soundstage.core.universe import open_key, start_over

    stage = Stage()
    first = await only(stage, dict(SEEDANCE))

    def reset(tx: Tx) -> None:
        for key in start_over(tx):
            open_key(tx, key)

    await stage.run(reset)
    assert (await only(stage, dict(SEEDANCE))).id == first.id


async def test_the_callback_url_changes_no_draw() -> None:
    bare = await only(Stage(), dict(SEEDANCE))
    hooked = await only(Stage(), {**SEEDANCE, "callbackUrl": HOOK})
    assert (bare.id, bare.run_ms, bare.request) == (hooked.id, hooked.run_ms, hooked.request)
    assert hooked.callback_url == HOOK
    stage = Stage()
    assert [
        (await only(stage, dict(SEEDANCE))).id,
        (await only(stage, {**SEEDANCE, "callbackUrl": HOOK})).id,
    ] == [(await only(twice, dict(SEEDANCE))).id for twice in [Stage()] for _ in range(2)]


async def test_our_own_address_in_images_counts_by_its_path_only() -> None:
    elsewhere = "http://127.0.0.1:54321"
    here = await only(Stage(), {**SEEDANCE, "images": [f"{BASE_URL}/cdn/a.png"]})
    there = await only(Stage(base_url=elsewhere), {**SEEDANCE, "images": [f"{elsewhere}/cdn/a.png"]})
    assert here.id == there.id
    assert orjson.loads(here.request)["images"] == ["/cdn/a.png"]


async def test_a_foreign_address_in_images_counts_in_full() -> None:
    here = await only(Stage(), {**SEEDANCE, "images": ["http://one.example/a.png"]})
    there = await only(Stage(), {**SEEDANCE, "images": ["http://two.example/a.png"]})
    assert here.id != there.id


async def test_a_default_that_is_spelled_out_is_the_same_request() -> None:
    short = await only(Stage(), {"model": "kling-2.5-turbo", "prompt": "a heron"})
    full = await only(Stage(), {"duration": 5, "prompt": "a heron", "model": "kling-2.5-turbo", "resolution": "1080p"})
    assert short.id == full.id
