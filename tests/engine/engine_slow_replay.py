"""`python engine_slow_replay.py OUT ANSWERS`: recorded answers, with work enough that a kill comes between."""

import hashlib
import json
import sys
from pathlib import Path

from engine_runs import OneByOne, go, spec_of

from salmonn_eval.models import registry
from salmonn_eval.records import Request


def main(out: Path, answers: Path) -> None:
    texts = {row["id"]: row["prediction"] for row in map(json.loads, answers.read_text().splitlines())}

    def answer(request: Request) -> str:
        hashlib.pbkdf2_hmac("sha256", request.key.encode(), b"", 60_000)
        return str(texts[request.sample_id])

    card = registry.resolve("replay", {"answers": str(answers)})
    go(spec_of(card), out, OneByOne(card, answer), score=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
