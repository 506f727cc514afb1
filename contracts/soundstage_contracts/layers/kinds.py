"""The kinds of checks that fuzzing makes of an operation, and what each promises."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """Checks of one kind: the number of their results, what they promise together, and their names in Schemathesis."""

    number: str
    title: str
    checks: tuple[str, ...]
    assumed: bool = True


REACHED = Family("FUZZ-001", "The operation answers some well-formed request with success", (), assumed=False)
KINDS = (
    Family("FUZZ-002", "No request makes the operation fail with a 5xx", ("not_a_server_error",), assumed=False),
    Family(
        "FUZZ-003",
        "Every answer has a documented status, content type, headers and body",
        (
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        ),
    ),
    Family("FUZZ-004", "The operation takes every request that its schema allows", ("positive_data_acceptance",)),
    Family(
        "FUZZ-005",
        "The operation refuses every request that its schema forbids",
        ("negative_data_rejection", "missing_required_header"),
    ),
    Family(
        "FUZZ-006",
        "A method that the path does not have is refused, and Allow names those it has",
        ("unsupported_method", "allow_header_conformance"),
    ),
    Family(
        "FUZZ-007", "The operation wants a good key wherever the document says so", ("ignored_auth",), assumed=False
    ),
    Family(
        "FUZZ-008",
        "What was made is there, and what was deleted is gone",
        ("use_after_free", "ensure_resource_availability"),
    ),
)
PHASE = Family("FUZZ-009", "The fuzzing came to its end", ())
