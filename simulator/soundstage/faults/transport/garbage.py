"""The answer is no HTTP."""

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.faults.transport._broken import Broken


class Garbage(Broken):
    """Bytes that are no HTTP come in place of an answer; nothing was done, or with `when: after` it was."""

    def broken(self, scene: CallScene, reply: Reply) -> Reply:
        """Replace the whole reply, its status line included."""
        # The first byte is one no status line begins with, whatever is drawn.
        return reply.leaving(raw=b"\0" + bytes.fromhex(scene.draw.hex("garbage", 120)) + b"\r\n\r\n", fate="send")
