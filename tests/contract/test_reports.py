"""Reports are valid, the same for the same results, harmless whatever a target sent, and free of secrets."""

from __future__ import annotations

import base64
import json
import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

import soundstage_contracts.report.document as document_module
from soundstage_contracts.command.live import shown
from soundstage_contracts.command.options import Options
from soundstage_contracts.command.outcome import Report
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.redaction import IN_SHELL, Redactor
from soundstage_contracts.report.document import as_document, as_json
from soundstage_contracts.report.junit import as_junit
from soundstage_contracts.report.page import as_page
from soundstage_contracts.report.summary import as_summary
from soundstage_contracts.verdict import Result, Verdict

SCHEMA = json.loads((Path(document_module.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
KEY = 'sk_live_Zm9v+/<"key">0123456789'
SECRET = "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LXNob3VsZC1zZWU="
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}]]><!-- `$(touch /x)` '\"; "
    "\x00\x1b[31mred\x1b[0m \ud800 \u202e | a | **b** [c](javascript:alert(1)) @everyone #1\n::error::no\n```"
)
WRITERS = {"json": as_json, "junit": as_junit, "html": as_page, "summary": as_summary}


def _exchange(text: str) -> Exchange:
    body = text.encode("utf-8", "surrogatepass")
    request = Request(
        "POST", f"/v1/x?api_key={quote(KEY, safe='')}",
        (("authorization", f"Bearer {KEY}"), ("x-note", text.replace("\n", " "))), body,
    )  # fmt: skip
    echo = json.dumps({"key": KEY, "coded": base64.b64encode(KEY.encode()).decode(), "signed_with": SECRET}).encode()
    return Exchange(
        request, Reply(200, (("x-echo", KEY), ("content-type", "text/html")), echo + body), "call", "X", "a"
    )


def _report(*, provider: str = "midsync", seconds: float = 1.0, text: str = "plain", bad: bool = True) -> Report:
    options = Options(
        provider, "http://127.0.0.1:4090/midsync", api_key=KEY, webhook_secret=SECRET, max_credits=Decimal(100)
    )
    report = Report(options.settled(), "MidSync", 1_700_000_000.0 + seconds, seconds=seconds)
    report.secrets = {KEY: "API_KEY", SECRET: "WEBHOOK_SECRET"}
    verdicts = list(Verdict) if bad else [Verdict.PASS]
    report.results = [
        Result(
            f"MID-MONEY-{number:03}[{text}]", f"A title {text}", verdict,
            "" if verdict is Verdict.PASS else f"{text} {KEY}", ("R-MID-074",), "L2", seconds,
            (_exchange(text), Exchange(Request("GET", "/x"), None, failure=f"gone {text}")),
        )
        for number, verdict in enumerate(verdicts, 1)
    ]  # fmt: skip
    return report


@pytest.mark.parametrize("text", ["plain", HOSTILE])
def test_the_json_report_is_what_its_schema_says(text: str) -> None:
    told = json.loads(as_json(as_document([_report(text=text)])))
    Draft202012Validator.check_schema(SCHEMA)
    errors = list(Draft202012Validator(SCHEMA, format_checker=FormatChecker()).iter_errors(told))
    assert errors == []
    assert told["providers"][0]["counts"] == dict.fromkeys(Verdict, 1)
    assert told["kept"] is False


def test_two_runs_differ_only_where_times_are_told() -> None:
    first, second = (as_document([_report(seconds=seconds)]) for seconds in (1.0, 2.5))
    assert first["runs"] != second["runs"]
    assert {**first, "runs": 0} == {**second, "runs": 0}


def test_where_a_target_listens_is_not_part_of_what_two_runs_share() -> None:
    reports = []
    for port in (4090, 51234):
        origin = f"http://127.0.0.1:{port}"
        report = _report(bad=False)
        report.options = replace(report.options, base_url=f"{origin}/midsync")
        body = json.dumps({"url": f"{origin}/cdn/a.png", "poll": f"{origin}/midsync/v1"}).encode()
        report.results = [replace(report.results[0], evidence=(Exchange(Request("GET", "/x"), Reply(200, (), body)),))]
        reports.append(as_document([report])["providers"])
    assert reports[0] == reports[1]
    assert "$TARGET/cdn/a.png" in as_json({"x": reports[0]})


@pytest.mark.parametrize("name", WRITERS)
def test_no_report_shows_a_key_or_a_secret_in_any_form(name: str) -> None:
    written = WRITERS[name](as_document([_report(text=f"cut {KEY[:20]}")]))
    told = json.dumps(KEY)[1:-1]
    for secret in (KEY, SECRET, quote(KEY, safe=""), told, base64.b64encode(KEY.encode()).decode(), KEY[:20]):
        assert secret not in written
    assert "$API_KEY" in written.replace("\\$", "$").replace("\\_", "_")


@pytest.mark.parametrize("name", WRITERS)
def test_every_report_can_be_written_as_utf_8_whatever_a_target_sent(name: str) -> None:
    assert WRITERS[name](as_document([_report(text=HOSTILE)])).encode()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _page(text: str) -> _Page:
    page = _Page()
    page.feed(as_page(as_document([_report(text=text)])))
    return page


def test_the_page_shows_hostile_text_as_text() -> None:
    page = _page(HOSTILE)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in page.tags]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>{{ 7*7 }}" in page.text


def test_the_page_needs_no_other_file_and_lets_only_its_own_script_run() -> None:
    page = _page("plain")
    links = [attributes[name] or "" for _, attributes in page.tags for name in ("src", "href") if name in attributes]
    assert all(link.startswith("#") for link in links)
    (policy,) = [tag["content"] for name, tag in page.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert re.search(r"script-src 'sha256-[\w+/=]+'$", policy)
    assert "url(" not in as_page(as_document([_report()]))


def test_every_id_of_the_page_is_there_once_and_every_link_leads_somewhere() -> None:
    page = _page("plain")
    ids = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(ids) == len(set(ids))
    assert {f"#{name}" for name in ids} >= {tag["href"] for _, tag in page.tags if tag.get("href")}


@pytest.mark.parametrize("text", ["plain", HOSTILE])
def test_the_junit_report_counts_failures_errors_and_skips_apart(text: str) -> None:
    root = ET.fromstring(as_junit(as_document([_report(text=text)])))
    (suite,) = root.findall("testsuite")
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2"}
    kinds = [child.tag for case in suite.findall("testcase") for child in case]
    assert sorted(kinds) == ["error", "failure", "skipped", "skipped"]
    skips = {child.get("type") for child in suite.iter("skipped")}
    assert skips == {"NOT_TESTED", "NOT_APPLICABLE"}
    assert all(case.get("classname") == "midsync.MONEY" for case in suite.findall("testcase"))
    failure = suite.find(".//failure")
    assert failure is not None
    assert "curl" in (failure.text or "")


def test_the_summary_holds_no_html_and_no_markdown_of_a_target() -> None:
    written = as_summary(as_document([_report(text=HOSTILE)]))
    outside = re.sub(r"(?ms)^  (`{3,})sh$.*?^  \1$", "", written)
    assert "<script" not in outside
    assert "[c](" not in outside
    assert "| a |" not in outside
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    assert len(rows) == 2


def test_a_curl_command_is_the_request_and_nothing_else_for_a_shell() -> None:
    (result,) = [
        one for one in as_document([_report(text=HOSTILE)])["providers"][0]["results"] if one["verdict"] == "FAIL"
    ]
    words = shlex.split(result["evidence"][0]["curl"])
    assert words[:5] == ["curl", "-sS", "-i", "-X", "POST"]
    assert words[5].startswith("$BASE_URL/v1/x?api_key=$API_KEY")
    assert len(words) == 12
    # Only the names that stand in for secrets and addresses are outside of single quotes.
    unquoted = re.sub(r"'[^']*'", "", result["evidence"][0]["curl"].replace("'\"'\"'", ""))
    assert set(re.findall(r"[$`]\w*", unquoted)) <= {"$BASE_URL", "$API_KEY"}


def test_a_terminal_only_shows_what_a_target_sent() -> None:
    assert "\x1b" not in shown(HOSTILE)
    assert "\u202e" not in shown(HOSTILE)
    assert "\n" not in shown(HOSTILE)


def test_a_secret_that_a_sentence_cuts_in_two_is_still_hidden() -> None:
    clean = Redactor(IN_SHELL)
    clean.hide("sk_live_0123456789abcdef", "API_KEY", cut=True)
    assert clean.text("said sk_live_012345678 and ended") == "said $API_KEY and ended"
    assert clean.text("sk_live is how keys begin") == "sk_live is how keys begin"


def test_a_longer_secret_is_found_before_a_shorter_one_inside_it() -> None:
    clean = Redactor(IN_SHELL)
    for number, secret in enumerate(("sk_a_12345", "sk_a_12345_and_more"), 1):
        clean.hide(secret, f"API_KEY_{number}")
    assert clean.text("sk_a_12345_and_more sk_a_12345") == "$API_KEY_2 $API_KEY_1"


def test_bodies_that_are_no_text_and_long_ones_are_told_in_short() -> None:
    exchange = Exchange(Request("GET", "/x"), Reply(200, (), b"\xff\xd8" * 9_000))
    long = Exchange(Request("GET", "/x"), Reply(200, (), b"a" * 50_000))
    report = _report(bad=False)
    report.results = [replace(report.results[0], evidence=(exchange, long))]
    first, second = as_document([report])["providers"][0]["results"][0]["evidence"]
    assert first["reply"]["body"].startswith("<18000 bytes, sha256 ")
    assert second["reply"]["body"].endswith("(46000 more characters)")
