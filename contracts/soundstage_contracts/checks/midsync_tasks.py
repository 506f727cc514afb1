"""MidSync's tasks as their status shows them: which id is asked for, landing tasks, and what a finished one holds."""

from __future__ import annotations

from soundstage_contracts.checks.midsync_dialects import LANDING
from soundstage_contracts.checks.midsync_ways import STATUS, body_of, made, play_money
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import RUNWAY
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect


@promise(
    "LIFE-101",
    {"midsync": "R-MID-066 R-MID-090 R-MID-130"},
    assumed={
        "midsync": "no status path is documented for the landing form; that the one path answers for both is ours"
    },
)
def status_of_landing_task(stage: Stage) -> None:
    """A landing task is looked up like any other, by its task_id, and ends with a video of the length asked for."""
    play_money(stage)
    task = stage.start(None, "landing", LANDING["prompt"])
    seen = stage.poll_reply(task).object()
    expect(seen["taskId"] == task.id, f"the status of {task.id} is of {seen['taskId']}")
    expect(seen["success"] is True, f"a look-up that worked says success {seen['success']!r}")
    last = stage.follow(task)[-1]
    expect(last.state == stage.driver.life.success, f"the landing task ended as {last.state}")
    output = stage.poll_reply(task).field("output")
    expect(output["durationSeconds"] == 5, f"5 s were asked for, and the video has {output['durationSeconds']}")


@promise("LIFE-102", {"midsync": "R-MID-025 R-MID-051 R-MID-085 R-MID-090"})
def which_id_polls(stage: Stage) -> None:
    """The taskId of a create is what its status is asked with.

    That the upstream provider's id is another, and is refused, is in no document, and tried as an assumption.
    """
    reply = made(stage, body_of(RUNWAY, duration=5, quality="720p"))
    name, upstream = reply.field("taskId"), reply.field("providerTaskId")
    seen = stage.answered(Request.get(STATUS.format(name))).object()
    expect(seen["taskId"] == name, f"the status of {name} is of {seen['taskId']}")
    expect(seen["success"] is True, f"a look-up that worked says success {seen['success']!r}")
    if stage.assumptions:
        expect(upstream != name, f"the id at the upstream provider is the task's own, {name}")
        stage.refused(Request.get(STATUS.format(upstream)), "not_found")


@promise(
    "LIFE-103",
    {"midsync": "R-MID-091"},
    assumed={"midsync": "output and assets are named in the documents, and their inside is not"},
    each=("runway 5", "kling-2.5-turbo 10", "seedance-1.5-pro 4", "grok-video 7"),
)
def output_and_assets(stage: Stage, case: str) -> None:
    """A completed task's output is its one asset: a link, a type, and the seconds that were asked for."""
    play_money(stage)
    model, _, seconds = case.partition(" ")
    reply = made(stage, body_of(model, duration=int(seconds)))
    stage.adapter.finish(stage.someone)
    seen = stage.answered(Request.get(STATUS.format(reply.field("taskId")))).object()
    output, assets = seen["output"], seen["assets"]
    expect(seen["error"] is None, f"a completed task has the error {seen['error']!r}")
    expect(output["durationSeconds"] == int(seconds), f"{case} s made a video of {output['durationSeconds']} s")
    wanted = [{"url": output["videoUrl"], "type": "video", "mimeType": output["mimeType"]}]
    expect(assets == wanted, f"the assets are {assets}, and the output {output}")
    file = stage.fetch(output["videoUrl"])
    expect(file.status == 200, f"the output's link answers {file.status}")
    expect(
        file.media_type == output["mimeType"],
        f"the file is {file.media_type}, and the output says {output['mimeType']}",
    )
