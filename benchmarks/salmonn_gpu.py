"""The SALMONN network in the full 13B shape on one GPU, random weights, bfloat16: its speed against what is possible.

The bound is from rates measured in the same run: operations over the matrix-product rate, and bytes read in each step
over the copy rate. Everything runs in one command, in under ten minutes on an H100 or H200.

python benchmarks/salmonn_gpu.py [--shape 13b] [--device cuda] [--clips 192] [--rows 64]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import report
from msgspec.structs import replace
from salmonn_network import SHAPES, Sounds, build, native, one_at_a_time, requests, same, timed

from salmonn_eval.models.salmonn.arithmetic import count, encode_flops, token_numbers
from salmonn_eval.models.salmonn.config import SalmonnConfig
from salmonn_eval.records import Generation, Request

INSTRUCTION = "Recognize the speech and give me the transcription."
SCALES = (0.0, 1.0, 2.0, 3.0, 4.0)
BYTES = 2


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=tuple(SHAPES), default="13b")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--clips", type=int, default=192)
    parser.add_argument("--alone", type=int, default=4, help="requests of the one-at-a-time loops")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--side", type=int, default=8192, help="of the square matrices that measure the rates")
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "results")
    report("salmonn_gpu", _rows(parser.parse_args()), parser.parse_args().keep)


def _rows(asked: argparse.Namespace) -> list[dict[str, Any]]:
    flops, copied = rates(asked.device, asked.side)
    network = build(asked.shape, asked.device, torch.bfloat16)
    sounds = Sounds(asked.seconds)
    greedy = Generation(max_new_tokens=asked.tokens)
    beams = replace(greedy, num_beams=4)
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    rows = [_row(f"{machine}: {flops / 1e12:.3g} TFLOP/s, {copied / 1e12:.3g} TB/s", 1, 0.0, "measured rates")]
    list(native(network, asked.rows).generate(requests(range(2), [INSTRUCTION], greedy), sounds))  # warms up
    found: dict[str, float] = {}
    for name, generation in (("greedy", greedy), ("beam 4", beams)):
        many = requests(range(asked.clips), [INSTRUCTION], generation)
        few = many[: asked.alone]
        expected, alone_s = timed(one_at_a_time(network, few, sounds))
        together, together_s = timed(native(network, asked.rows).generate(many, sounds))
        found[name] = together_s
        least = bound(network.config, many, asked, flops, copied)
        times = (len(many) / together_s) / (len(few) / alone_s)
        agreed = same([answer for answer in together if answer.key in {one.key for one in few}], expected, few)
        rows.append(_row(f"one at a time, {name}", len(few), alone_s, "encoders, then transformers' generate"))
        note = f"{least / together_s:.0%} of the bound; {times:.1f} x one at a time; outputs equal: {agreed:.0%}"
        rows.append(_row(f"native, {name}", len(many), together_s, note))
    swept = requests(range(asked.clips), [INSTRUCTION], greedy, SCALES)
    _, sweep_s = timed(native(network, asked.rows).generate(swept, sounds))
    return [*rows, _row("five scales, greedy", len(swept), sweep_s, f"{sweep_s / found['greedy']:.2f} x one scale")]


def _row(what: str, number: int, seconds: float, note: str) -> dict[str, Any]:
    speed = number / seconds if seconds else ""
    return {"what": what, "requests": number, "seconds": seconds, "requests/s": speed, "note": note}


def rates(device: str, side: int) -> tuple[float, float]:
    """Operations a second of bfloat16 matrix products, and bytes a second of copies (read and written)."""
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    target = torch.empty_like(left)
    product = _seconds(lambda: torch.mm(left, right, out=target))
    copy = _seconds(lambda: target.copy_(left))
    return 2.0 * side**3 / product, 2.0 * left.nbytes / copy


def _seconds(work: Callable[[], object], times: int = 20) -> float:
    """Of one repetition, after one that warms up."""
    for repetitions in (1, times):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(repetitions):
            work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


def bound(config: SalmonnConfig, many: list[Request], asked: argparse.Namespace, flops: float, copied: float) -> float:
    """Seconds that the requests take at least: encoding and prompts by operations, each step by bytes or operations."""
    llama = count(config).llama
    beams, rows = many[0].generation.num_beams, min(asked.rows, len(many))
    prompt = config.speech_tokens + len(INSTRUCTION)
    reading = len(many) * (encode_flops(config, asked.seconds) + 2.0 * llama * prompt) / flops
    seen = prompt + beams * asked.tokens / 2
    step = max((llama + rows * seen * token_numbers(config)) * BYTES / copied, 2.0 * llama * rows * beams / flops)
    return reading + len(many) / rows * asked.tokens * step


if __name__ == "__main__":
    main()
