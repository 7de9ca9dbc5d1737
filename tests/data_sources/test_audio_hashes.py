import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from salmonn_eval.data.hashes import AudioHashes
from salmonn_eval.errors import AudioError
from salmonn_eval.records import AudioRef, Clip

AN_HOUR_AGO = 3_600_000_000_000


@pytest.fixture
def files(recordings, tmp_path) -> list[Path]:
    """Copies that were last changed a while ago, as a corpus is."""
    copies = [Path(shutil.copy(path, tmp_path)) for path in recordings]
    for path in copies:
        settle(path, path.stat().st_mtime_ns - AN_HOUR_AGO)
    return copies


def settle(path: Path, mtime_ns: int) -> None:
    os.utime(path, ns=(mtime_ns, mtime_ns))


def true_hash(path: Path) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Names of the files that are hashed from now on."""
    names: list[str] = []
    whole = hashlib.file_digest

    def counted(file, algorithm):
        names.append(Path(file.name).name)
        return whole(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return names


def hashed(files: list[Path], folder: Path) -> list[str | None]:
    with AudioHashes(folder) as hashes:
        return [hashes.with_hashes(Clip((AudioRef(str(path)),))).parts[0].sha256 for path in files]


def test_hashes_are_sha256_of_the_files_and_a_second_run_reads_no_file(files, tmp_path, opened):
    true = [true_hash(path) for path in files]
    assert hashed(files, tmp_path / "cache") == true
    assert len(opened) == len(files)
    assert hashed(files, tmp_path / "cache") == true
    assert len(opened) == len(files)


def test_a_changed_file_is_hashed_again(files, tmp_path, opened):
    hashed(files, tmp_path / "cache")
    opened.clear()
    before = files[0].stat()
    content = bytearray(files[0].read_bytes())
    content[-1] ^= 1
    files[0].write_bytes(content)
    settle(files[0], before.st_mtime_ns + 1)
    assert hashed(files, tmp_path / "cache")[0] == hashlib.sha256(content).hexdigest()
    assert opened == [files[0].name]


def test_a_file_that_changed_just_now_is_not_remembered(files, tmp_path, opened):
    files[0].write_bytes(files[1].read_bytes())
    hashed(files[:1], tmp_path / "cache")
    hashed(files[:1], tmp_path / "cache")
    assert opened == [files[0].name] * 2


def test_parts_in_memory_are_hashed_and_nothing_else_changes(files):
    content = files[0].read_bytes()
    clip = Clip((AudioRef(data=content), AudioRef(str(files[1]), start_s=0.5)), join="concat", gap_s=0.1)
    with AudioHashes(files[0].parent / "cache") as hashes:
        found = hashes.with_hashes(clip)
    assert found.parts[0] == AudioRef(data=content, sha256=hashlib.sha256(content).hexdigest())
    assert found.parts[1] == AudioRef(str(files[1]), sha256=true_hash(files[1]), start_s=0.5)
    assert (found.join, found.gap_s) == ("concat", 0.1)


def test_a_stated_hash_that_is_wrong_is_an_error(files, tmp_path):
    with AudioHashes(tmp_path / "cache") as hashes, pytest.raises(AudioError, match="expected 00ff"):
        hashes.with_hashes(Clip((AudioRef(str(files[0]), sha256="00ff"),)))


def test_a_missing_file_is_an_error_with_its_path(tmp_path):
    with AudioHashes(tmp_path) as hashes, pytest.raises(AudioError, match=r"gone\.flac: cannot be read"):
        hashes.of_file(tmp_path / "gone.flac")


def test_without_a_folder_that_can_be_written_everything_works_uncached(files, tmp_path):
    (tmp_path / "occupied").write_text("a file, not a folder")
    assert hashed(files, tmp_path / "occupied") == [true_hash(path) for path in files]


def test_a_cache_that_is_no_database_is_left_alone(files, tmp_path):
    (tmp_path / "audio-hashes.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert hashed(files, tmp_path) == [true_hash(path) for path in files]


def test_a_locked_cache_costs_the_cache_and_not_the_run(files, tmp_path, monkeypatch):
    monkeypatch.setattr("salmonn_eval.data.hashes._BUSY_S", 0.05)
    hashed(files[:1], tmp_path)
    other = sqlite3.connect(tmp_path / "audio-hashes.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert hashed(files, tmp_path) == [true_hash(path) for path in files]
    other.close()


def test_several_processes_share_one_cache(files, tmp_path, opened):
    program = (
        "import sys; from pathlib import Path; from salmonn_eval.data.hashes import AudioHashes\n"
        "with AudioHashes(Path(sys.argv[1])) as hashes: [hashes.of_file(Path(name)) for name in sys.argv[2:]]"
    )
    cache = tmp_path / "cache"
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(cache), *map(str, part)])
        for part in (files[:3], files[1:])
    ]
    assert [process.wait() for process in running] == [0, 0]
    hashed(files, cache)
    assert opened == []
