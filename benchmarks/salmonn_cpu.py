"""The SALMONN network on a CPU: against the same network driven one request at a time, five scales, and a second task.

python benchmarks/salmonn_cpu.py [--shape mid] [--clips 16] [--rows 16] [--threads 1]
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from measure import report
from salmonn_network import Sounds, build, native, one_at_a_time, requests, same, timed

from salmonn_eval.records import Generation

INSTRUCTIONS = ("Transcribe.", "What is heard?", "Name the speaker.")
SCALES = (0.0, 1.0, 2.0, 3.0, 4.0)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=("mid", "tiny"), default="mid")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--tokens", type=int, default=30)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    report("salmonn_cpu", _rows(asked), asked.keep)


def _rows(asked: argparse.Namespace) -> list[dict[str, Any]]:
    network = build(asked.shape, "cpu", torch.float32)
    sounds, clips = Sounds(asked.seconds), range(asked.clips)
    generation = Generation(max_new_tokens=asked.tokens)
    several = requests(clips, INSTRUCTIONS, generation)
    single = requests(clips, INSTRUCTIONS[:1], generation)
    swept = requests(clips, INSTRUCTIONS[:1], generation, SCALES)

    alone, alone_s = timed(one_at_a_time(network, several, sounds))
    together, together_s = timed(native(network, asked.rows).generate(several, sounds))
    model = native(network, asked.rows)
    _, first_s = timed(model.generate(single, sounds))
    _, second_s = timed(model.generate(requests(clips, INSTRUCTIONS[1:2], generation), sounds))
    _, sweep_s = timed(native(network, asked.rows).generate(swept, sounds))
    encode_s = max(first_s - second_s, 0.0)  # what the second task on the same audio is spared
    bound = (encode_s + len(SCALES) * second_s) / first_s

    def row(what: str, count: int, seconds: float, note: str) -> dict[str, Any]:
        return {"what": what, "requests": count, "seconds": seconds, "requests/s": count / seconds, "note": note}

    times = alone_s / together_s
    agreed = same(together, alone, several)
    return [
        row("one request at a time", len(several), alone_s, "encoders run for each; transformers' generate"),
        row("native", len(several), together_s, f"{times:.2f} x the above; {agreed:.1%} of outputs equal"),
        row("one task", len(single), first_s, "one instruction a clip, one scale"),
        row("second task, same audio", len(single), second_s, "encoder outputs from the cache"),
        row("five scales", len(swept), sweep_s, f"{sweep_s / first_s:.2f} x one task; by arithmetic {bound:.2f} x"),
    ]


if __name__ == "__main__":
    main()
