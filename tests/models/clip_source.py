"""An audio source for tests of models."""

from salmonn_eval.records import Request
from salmonn_eval.waveform import Waveform


class Clips:
    """An audio source over waveforms at hand; it counts what was asked of it."""

    def __init__(self, waveforms: dict[str, Waveform]) -> None:
        self.waveforms_by_key = waveforms
        self.asked: list[str] = []
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        self.asked.append(request.key)
        return (self.waveforms_by_key[request.key],)
