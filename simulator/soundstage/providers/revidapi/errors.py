"""RevidAPI's error replies: one key, `detail`, with a text.

Source: R-REV-220..225, the texts from an older source. ASSUMED: every other text, and all of them as plain strings.
"""

import re

from soundstage.core.call import NO_HEADERS, Problem, Reply
from soundstage.validation import header_text

# What a key's text can be found guilty of before anybody looks it up (R-REV-222).
NO_HEADER = "Missing Authorization header"
NOT_BEARER = "Invalid authorization format. Use 'Bearer sk_...'"
NO_KEY = "Missing API key"
NO_SUCH_FORM = "Invalid API key format"
INVALID_KEY = "Invalid API key"
_OWN = frozenset({NO_HEADER, NOT_BEARER, NO_KEY, NO_SUCH_FORM})
_CALLS = re.compile(r"\b(\d+) calls a minute")

JOB_NOT_FOUND = Problem("not_found", "Job not found")


def reply_to(problem: Problem) -> Reply:
    """Return a problem in RevidAPI's shape; help that its short texts have no room for goes into a header."""
    detail = _text(problem)
    headers = NO_HEADERS if detail.endswith(problem.message) else {"X-Soundstage-Hint": header_text(problem.message)}
    return Reply({"detail": detail}, status=problem.status, headers=headers)


def _text(problem: Problem) -> str:
    if problem.code == "unauthorized" and problem.message not in _OWN:
        return INVALID_KEY
    if problem.code == "rate_limited" and problem.retry_after_ms is not None:
        calls = _CALLS.search(problem.message)
        return f"Rate limit exceeded. Limit: {calls[1]} requests per minute." if calls else problem.message
    field = (problem.field or "").partition(".")[0]
    # A body without a place for the field's name must tell it in its text.
    return problem.message if field in problem.message else f"{problem.field}: {problem.message}"
