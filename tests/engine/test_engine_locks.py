"""One process owns a run; shards share it; the system releases what a killed process held."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from salmonn_eval.engine.locks import owning
from salmonn_eval.engine.spec import Shard
from salmonn_eval.errors import UsageError

HOLD = """
import sys
from pathlib import Path
from salmonn_eval.engine.locks import owning
from salmonn_eval.engine.spec import Shard
index, count = int(sys.argv[2]), int(sys.argv[3])
with owning(Path(sys.argv[1]), Shard(index, count) if count else None):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path, shard: Shard | None) -> Iterator[subprocess.Popen[str]]:
    words = [str(folder), str(shard.index if shard else 0), str(shard.count if shard else 0)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, *words], text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(None, None), (None, Shard(1, 2)), (Shard(1, 2), None), (Shard(1, 2), Shard(1, 2))],
)
def test_a_second_process_is_refused(tmp_path: Path, theirs: Shard | None, ours: Shard | None) -> None:
    with (
        another_process(tmp_path, theirs),
        pytest.raises(UsageError, match="another process is working on this run"),
        owning(tmp_path, ours),
    ):
        pass


def test_two_shards_work_side_by_side(tmp_path: Path) -> None:
    with another_process(tmp_path, Shard(1, 2)), owning(tmp_path, Shard(2, 2)):
        pass


def test_kill_9_releases_the_lock(tmp_path: Path) -> None:
    with another_process(tmp_path, None) as process:
        process.kill()
        process.wait()
        with owning(tmp_path, None):
            pass
