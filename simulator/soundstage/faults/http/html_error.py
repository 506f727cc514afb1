"""A proxy's error page."""

from http import HTTPStatus

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault


class HtmlError(ExchangeFault):
    """A proxy's HTML page comes in place of the provider's answer; the call never got there, nothing is charged."""

    status: int = Field(default=502, ge=400, le=599, description="the HTTP status")

    def before(self, scene: CallScene) -> Reply | None:
        """Answer as a proxy without a server behind it."""
        known = {one.value: one.phrase for one in HTTPStatus}
        title = f"{self.status} {known.get(self.status, 'Error')}"
        page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<h1>{title}</h1>\r\n</body>\r\n</html>\r\n"
        return Reply(page.encode(), self.status, content_type="text/html")
