import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from parity import case, config, network
from speaking import answers, model, request, sounds

from salmonn_eval.models.salmonn.cache import EncoderCache, upstream
from salmonn_eval.models.salmonn.network import Salmonn

ENTRY = 88 * 32 * 4


def entry(number: float) -> torch.Tensor:
    return torch.full((88, 32), number)


@pytest.fixture
def hearing():
    torch.manual_seed(5)
    return Salmonn(config(case("model/P2_eos").meta["spec"])).eval().hearing


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.clip"))


def test_a_hit_changes_nothing(tmp_path):
    """Bit for bit: computed, out of memory, out of the folder."""
    found = case("model/P2_eos")
    asked = [request(str(n), "Say it.", scale=n / 2) for n in range(5)]
    print_ = upstream(network(found.folder).hearing)
    first = model(found, cache=EncoderCache(print_, tmp_path))
    computed = answers(first, asked, sounds(found))
    assert len(entries(tmp_path)) == 1
    assert answers(first, asked, sounds(found)) == computed
    assert answers(model(found, cache=EncoderCache(print_, tmp_path)), asked, sounds(found)) == computed
    assert len(entries(tmp_path)) == 1
    cache, wave = EncoderCache(print_, tmp_path), found.waves()[0].float()
    with torch.inference_mode():
        (heard,) = network(found.folder).hearing.encode([wave])
    assert torch.equal(cache.get(cache.key(wave)), heard)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_every_dtype_comes_back_as_it_went(tmp_path, dtype):
    kept = torch.randn(7, 5).to(dtype)
    EncoderCache("n", tmp_path).put("k" * 64, kept)
    found = EncoderCache("n", tmp_path).get("k" * 64)
    assert found.dtype == dtype
    assert torch.equal(found, kept)


def test_each_weight_upstream_changes_the_key_and_none_behind(hearing):
    before = upstream(hearing)
    for name, parameter in hearing.named_parameters():
        old = parameter.data.clone()
        parameter.data.view(-1)[0] += 1.0
        assert (upstream(hearing) == before) == name.startswith("projection."), name
        parameter.data = old
    assert upstream(hearing) == before
    assert upstream(hearing.to(torch.bfloat16)) != before


def test_another_window_or_another_sound_is_another_key(hearing):
    before = upstream(hearing)
    qformer = msgspec.structs.replace(hearing.config.qformer, stride_s=0.25)
    hearing.config = msgspec.structs.replace(hearing.config, qformer=qformer)
    assert upstream(hearing) != before
    cache, wave = EncoderCache(before), torch.zeros(16_000)
    louder = wave.clone()
    louder[3] = 1e-7
    assert len({cache.key(wave), cache.key(louder), cache.key(wave[:-1])}) == 3
    assert EncoderCache(upstream(hearing)).key(wave) != cache.key(wave)


def test_memory_keeps_to_its_bound_and_forgets_the_least_recently_used():
    cache = EncoderCache("n", memory_bytes=2 * ENTRY)
    for key in "ab":
        cache.put(key, entry(1.0))
    assert cache.get("a") is not None
    cache.put("c", entry(3.0))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert torch.equal(cache.get("c"), entry(3.0))


def test_an_entry_put_twice_is_counted_once():
    cache = EncoderCache("n", memory_bytes=2 * ENTRY)
    for key in "aaaab":
        cache.put(key, entry(1.0))
    assert cache.get("a") is not None
    assert cache.get("b") is not None


def test_the_folder_keeps_to_its_bound(tmp_path):
    bound = 20 * ENTRY
    cache = EncoderCache("n", tmp_path, memory_bytes=0, disk_bytes=bound)
    for number in range(60):
        cache.put(f"{number:064d}", entry(float(number)))
        if paths := entries(tmp_path):
            os.utime(paths[-1], ns=(number * 10**9, number * 10**9))
    left = entries(tmp_path)
    assert sum(path.stat().st_size for path in left) <= bound * (1 + 1 / 16) + ENTRY
    assert len(left) >= 18
    assert left[-1].name.startswith(f"{59:064d}")


def test_what_is_broken_or_gone_is_a_miss(tmp_path):
    cache = EncoderCache("n", tmp_path, memory_bytes=0)
    for key in ("a" * 64, "b" * 64, "c" * 64):
        cache.put(key, entry(1.0))
    paths = entries(tmp_path)
    paths[0].write_bytes(paths[0].read_bytes()[:-1])
    paths[1].unlink()
    fresh = EncoderCache("n", tmp_path)
    assert fresh.get("a" * 64) is None
    assert fresh.get("b" * 64) is None
    assert torch.equal(fresh.get("c" * 64), entry(1.0))


WRITER = """
import sys, torch
from pathlib import Path
from salmonn_eval.models.salmonn.cache import EncoderCache
cache = EncoderCache("n", Path(sys.argv[1]), memory_bytes=0, disk_bytes=10 * 88 * 32 * 4)
for turn in range(2):
    for number in range(25):
        key = f"{number:064d}"
        found = cache.get(key)
        assert found is None or torch.equal(found, torch.full((88, 32), float(number))), number
        cache.put(key, torch.full((88, 32), float(number)))
"""


@pytest.mark.slow
def test_several_processes_share_a_folder_under_a_tight_bound(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert entries(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".tmp"]
