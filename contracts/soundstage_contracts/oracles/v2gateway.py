"""Reads and judges a task of the /v2 gateway: fields, how they hang together, id. Source: R-V2-031, 040 to 060."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from soundstage_contracts.drivers.base import TaskView
from soundstage_contracts.verdict import Broken, expect

SCOPES = ("images", "videos", "audio")
TIMES = ("submit_time", "start_time", "finish_time")
PERCENT = re.compile(r"([0-9]{1,2}|100)%")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VEO = {"platform": "google", "action": "google-videos", "search_item": ""}


def task(body: Mapping[str, Any]) -> TaskView:
    """Read a poll's body; raises Broken where its id or status is missing, or a documented field of another type.

    The document shows a task that succeeded; what is missing in another state is no breach of it.
    """
    for name in ("task_id", "status"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise Broken(f"a task has no text {name}: {str(body)[:200]}")
    times = {name: body[name] for name in TIMES if body.get(name) is not None}
    if any(type(value) is not int for value in times.values()):
        raise Broken(f"a task's times are whole seconds, and these are {times}")
    reached = {name: float(value) for name, value in times.items() if value}
    reason, progress = body.get("fail_reason"), body.get("progress")
    return TaskView(
        body["task_id"],
        body["status"],
        None if progress is None else percent(progress),
        results(body),
        None if reason in {"", None} else str(reason),
        reached,
    )


def percent(given: Any) -> float:
    """Return the number of a progress such as "47%"; raises Broken when it is none."""
    found = PERCENT.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise Broken(f'progress is a text such as "47%", and this one is {given!r}')
    return float(found[1])


def results(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the links of a task, `output` before `outputs`, without empty texts and without doubles."""
    data = body.get("data")
    if data is None:
        return ()
    if not isinstance(data, dict):
        raise Broken(f"data is an object, and here it is {data!r}")
    given = [data.get("output"), *(data.get("outputs") or ())]
    return tuple(dict.fromkeys(link for link in given if isinstance(link, str) and link))


def check_whole(body: Mapping[str, Any], wanted: Iterable[str]) -> None:
    """Raise Broken unless a task has every field of `wanted`, its times as whole seconds and its reason as a text."""
    missing = sorted(set(wanted) - body.keys())
    expect(not missing, f"a task in {body['status']} lacks {missing}")
    times = {name: body[name] for name in TIMES}
    expect(all(type(value) is int for value in times.values()), f"a task's times are whole seconds, not {times}")
    expect(isinstance(body["fail_reason"], str), f"fail_reason is a text, and here {body['fail_reason']!r}")


def check_times(body: Mapping[str, Any], life_over: bool) -> None:
    """Raise Broken unless the times are seconds in their order, and the last is set just when the task is over."""
    submitted, started, finished = (body[name] for name in TIMES)
    expect(10**9 <= submitted < 10**10, f"submit_time is Unix seconds, and here {submitted}")
    expect(started == 0 or started >= submitted, f"start_time {started} lies before submit_time {submitted}")
    expect(finished == 0 or finished >= max(submitted, started), f"finish_time {finished} lies before the start")
    expect(bool(finished) == life_over, f"finish_time is {finished} while the status is {body['status']}")


def check_output(body: Mapping[str, Any]) -> None:
    """Raise Broken unless `data.output` is a link and the first of `data.outputs` where both are sent."""
    data = body["data"]
    output, outputs = data.get("output"), data.get("outputs")
    expect(bool(output or outputs), f"a task that succeeded has a link in data.output or data.outputs: {data}")
    if output is not None and outputs is not None:
        expect(
            isinstance(outputs, list) and outputs[:1] == [output], f"output {output!r} is not the first of {outputs!r}"
        )
    for link in results(body):
        expect(link.startswith(("http://", "https://")), f"{link!r} is no web address")


def check_id(task_id: str, model: str, submitted: int) -> None:
    """Raise Broken unless the id is a UUID, or the model, the seconds of the submit and ten letters or digits."""
    if ":" not in task_id:
        expect(bool(UUID.fullmatch(task_id)), f"{task_id} is neither a UUID nor model:seconds-letters")
        return
    name, _, rest = task_id.rpartition(":")
    stamp, _, tail = rest.partition("-")
    expect(name == model, f"the id {task_id} begins with another model than {model}")
    # The worked example's id is a second older than its submit_time.
    expect(
        stamp.isdecimal() and abs(int(stamp) - submitted) <= 1, f"the id {task_id} has other seconds than {submitted}"
    )
    expect(bool(re.fullmatch("[A-Za-z0-9]{10}", tail)), f"the id {task_id} does not end in ten letters or digits")
