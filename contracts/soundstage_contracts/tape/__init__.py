"""Tapes: what was said between suite and target, without its secrets, to be checked again without the target."""

from soundstage_contracts.tape.reading import Tape, TapeError
from soundstage_contracts.tape.replay import ReplayReceiver, ReplaySender, replay
from soundstage_contracts.tape.writer import LeakError, TapeWriter

__all__ = ["LeakError", "ReplayReceiver", "ReplaySender", "Tape", "TapeError", "TapeWriter", "replay"]
