"""One clip through a loaded model, to see whether it works at all."""

import numpy as np

from salmonn_eval.errors import PrerequisiteError
from salmonn_eval.models.protocol import Model
from salmonn_eval.records import AudioRef, Clip, Generation, Request, Variant
from salmonn_eval.waveform import SAMPLE_RATE, Waveform


class _Tone:
    """One second of 440 Hz, whatever is asked for."""

    def waveforms(self, request: Request) -> tuple[Waveform, ...]:
        seconds = np.arange(SAMPLE_RATE) / SAMPLE_RATE
        return (Waveform((0.1 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)),)

    def note(self, message: str) -> None:
        """Nothing to keep it for."""


def answer_a_tone(model: Model) -> str:
    """Let a model answer one second of sound in eight tokens at most; PrerequisiteError if it cannot."""
    card = model.card
    request = Request(
        key="doctor",
        task=card.tasks[0] if card.tasks else "asr",
        dataset="doctor",
        sample_id="tone",
        instruction="Recognize the speech and give me the transcription.",
        clips=(Clip((AudioRef("tone.wav"),)),),
        generation=Generation(max_new_tokens=8),
        variant=Variant(card.default_lora_scale),
    )
    (prediction,) = model.generate([request], _Tone())
    if prediction.error is not None:
        raise PrerequisiteError(f"it cannot answer: {prediction.error}")
    return f"answers one second of sound in {prediction.seconds:.1f} s"
