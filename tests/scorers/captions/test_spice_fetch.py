"""`doctor --fetch spice`: from an address, an archive or a folder, continued, trimmed, checked, and never elsewhere."""

import hashlib
import http.server
import io
import shutil
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from salmonn_eval.errors import PrerequisiteError, UsageError
from salmonn_eval.scorers.captions import spice_files
from salmonn_eval.scorers.captions.fetch import KEPT_MODELS, fetch
from salmonn_eval.scorers.captions.spice_files import CODE_JAR, MODELS, ModelFile, locate, verify

CONTENTS = {name: (name * 3000).encode() for name in MODELS}
CODE = "edu/stanford/nlp/pipeline/StanfordCoreNLP.class"


def jar(entries: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def distribution(**changed: bytes) -> bytes:
    """An archive like Stanford's, with much that SPICE does not need and some names that lead elsewhere."""
    models = {**CONTENTS, "edu/stanford/nlp/models/srparser/englishSR.ser.gz": b"x" * 100_000, **changed}
    top = "stanford-corenlp-full-2015-12-09/"
    return jar(
        {
            top + "README.txt": b"read me",
            top + CODE_JAR: jar({CODE: b"code"}),
            top + "../../../../evil.jar": b"evil",
            "/etc/evil.jar": b"evil",
            top + "stanford-corenlp-3.6.0-models.jar": jar(models),
        }
    )


@pytest.fixture(autouse=True)
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real files are 79 MB and may not ship: the same eleven names with other contents, and their digests."""
    facts = {
        name: ModelFile(len(content), zlib.crc32(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENTS.items()
    }
    for name in MODELS:
        monkeypatch.setitem(MODELS, name, facts[name])


class Server(http.server.BaseHTTPRequestHandler):
    """Serves one archive; knows ranges unless told otherwise; `cut` bytes into the first answer it hangs up."""

    archive = b""
    ranges = True
    cut: int | None = None
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(self.archive):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(self.archive)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.archive) - 1}/{len(self.archive)}")
        self.send_header("Content-Length", str(len(self.archive) - start))
        self.end_headers()
        end, type(self).cut = self.cut, None
        self.wfile.write(self.archive[start:end])

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[type[Server]]:
    handler = type("Own", (Server,), {"archive": distribution(), "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        handler.address = f"http://127.0.0.1:{running.server_port}/corenlp.zip"
        yield handler
        running.shutdown()
        thread.join()


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def check(folder: Path) -> None:
    assert files_in(folder) == sorted([CODE_JAR, KEPT_MODELS])
    verify(locate(folder))
    with zipfile.ZipFile(folder / KEPT_MODELS) as kept:
        assert {name: kept.read(name) for name in kept.namelist()} == CONTENTS


def test_an_archive_is_fetched_trimmed_and_checked(server, tmp_path):
    told: list[str] = []
    fetch(server.address, tmp_path / "spice", told.append)
    check(tmp_path / "spice")
    assert files_in(tmp_path) == ["spice", f"spice/{KEPT_MODELS}", f"spice/{CODE_JAR}"]
    assert told[0] == f"downloading {server.address}"


def test_a_broken_download_goes_on_where_it_broke_off(server, tmp_path):
    server.cut = 1_500
    with pytest.raises(PrerequisiteError, match=r"broke off at 1500 bytes.*the same command continues there"):
        fetch(server.address, tmp_path, print)
    assert len(files_in(tmp_path)) == 1
    fetch(server.address, tmp_path, print)
    check(tmp_path)
    assert server.asked == [None, "bytes=1500-"]


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.cut, server.ranges = 1_500, False
    with pytest.raises(PrerequisiteError, match="broke off"):
        fetch(server.address, tmp_path, print)
    fetch(server.address, tmp_path, print)
    check(tmp_path)


def test_a_download_that_was_complete_already_is_used(server, tmp_path):
    name = hashlib.sha256(server.address.encode()).hexdigest()[:16]
    (tmp_path / f"download-{name}").write_bytes(server.archive)
    fetch(server.address, tmp_path, print)
    check(tmp_path)
    assert server.asked == [f"bytes={len(server.archive)}-"]


@pytest.mark.parametrize(
    ("archive", "sentence"),
    [
        (b"<html>down for maintenance</html>", "has no stanford-corenlp-3.6.0.jar"),
        (jar({"a/" + CODE_JAR: jar({CODE: b"code"})}), "has no stanford-corenlp-3.6.0-models"),
        (distribution()[:-2_000], "has no stanford-corenlp-3.6.0.jar"),
        (distribution(**{next(iter(MODELS)): b"other"}), "is not that of CoreNLP 3.6.0"),
        (jar({CODE_JAR: b"no jar", "stanford-corenlp-3.6.0-models.jar": jar(CONTENTS)}), "cannot be read as a jar"),
    ],
    ids=["a web page", "no models", "torn", "another version", "no code"],
)
def test_what_is_not_corenlp_is_refused_and_nothing_of_it_is_kept(server, tmp_path, archive, sentence):
    server.archive = archive
    with pytest.raises(PrerequisiteError, match=sentence):
        fetch(server.address, tmp_path, print)
    assert files_in(tmp_path) == []


def test_a_missing_page_and_a_dead_server_are_told(server, tmp_path):
    server.archive = b""
    with pytest.raises(PrerequisiteError, match="answered 416"):
        fetch(server.address, tmp_path, print)
    with pytest.raises(PrerequisiteError, match=r"http://127.0.0.1:9/x.zip broke off at 0 bytes.*try another --from"):
        fetch("http://127.0.0.1:9/x.zip", tmp_path, print)


def test_a_folder_of_jars_an_archive_and_a_folder_with_an_archive_do(tmp_path):
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / CODE_JAR).write_bytes(jar({CODE: b"code"}))
    half = list(CONTENTS)[:5]
    (jars / "stanford-corenlp-3.6.0-models.jar").write_bytes(jar({name: CONTENTS[name] for name in half}))
    (jars / "stanford-corenlp-3.6.0-models-more.jar").write_bytes(jar(CONTENTS))
    zipped = tmp_path / "zipped"
    zipped.mkdir()
    (zipped / "any.zip").write_bytes(distribution())
    for number, source in enumerate((jars, zipped / "any.zip", zipped)):
        fetch(str(source), tmp_path / str(number), print)
        check(tmp_path / str(number))
    fetch(str(tmp_path / "0"), tmp_path / "0", print)
    check(tmp_path / "0")


def test_a_source_that_is_nothing_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="--from '/no/such' is no address, folder or file; expected one of these, or"):
        fetch("/no/such", tmp_path, print)


def test_maven_is_asked_for_both_artifacts(monkeypatch, tmp_path):
    source = tmp_path / "artifacts"
    source.mkdir()
    (source / CODE_JAR).write_bytes(jar({CODE: b"code"}))
    (source / "stanford-corenlp-3.6.0-models.jar").write_bytes(jar(CONTENTS))
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/asked\n'
        'for word in "$@"; do case $word in -DoutputDirectory=*) out=${word#-DoutputDirectory=};; esac; done\n'
        f'/bin/cp {source}/* "$out"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    fetch("maven", tmp_path / "spice", print)
    check(tmp_path / "spice")
    asked = (tmp_path / "asked").read_text()
    assert "-Dartifact=edu.stanford.nlp:stanford-corenlp:3.6.0 " in asked
    assert "-Dartifact=edu.stanford.nlp:stanford-corenlp:3.6.0:jar:models " in asked
    program.write_text("#!/bin/sh\necho '[ERROR] no such repository'\nexit 1\n")
    with pytest.raises(PrerequisiteError, match=r"Maven could not get .*no such repository"):
        fetch("maven", tmp_path / "other", print)
    program.unlink()
    with pytest.raises(PrerequisiteError, match="needs the program mvn"):
        fetch("maven", tmp_path / "other", print)


def test_a_model_damaged_on_disk_is_found_by_its_digest(tmp_path):
    (tmp_path / CODE_JAR).write_bytes(jar({CODE: b"code"}))
    with zipfile.ZipFile(tmp_path / KEPT_MODELS, "w") as archive:
        for name, content in CONTENTS.items():
            archive.writestr(name, content)
    bytes_ = bytearray((tmp_path / KEPT_MODELS).read_bytes())
    place = bytes_.find(CONTENTS[next(iter(CONTENTS))])
    bytes_[place] ^= 1
    (tmp_path / KEPT_MODELS).write_bytes(bytes_)
    with pytest.raises(PrerequisiteError, match="is damaged"):
        verify(locate(tmp_path))


def test_missing_models_are_named(tmp_path):
    (tmp_path / CODE_JAR).write_bytes(jar({CODE: b"code"}))
    (tmp_path / KEPT_MODELS).write_bytes(jar(dict(list(CONTENTS.items())[:9])))
    with pytest.raises(PrerequisiteError, match=r"SPICE needs 2 model files that no .* has, such as edu/stanford"):
        locate(tmp_path)
    shutil.copyfile(tmp_path / KEPT_MODELS, tmp_path / CODE_JAR)
    with pytest.raises(PrerequisiteError, match=f"it has no {spice_files._CODE_CLASS}"):
        locate(tmp_path)


def test_the_table_of_models_is_that_of_the_published_digests(monkeypatch, shared):
    monkeypatch.undo()
    lines = (shared / "spice" / "models.sha256").read_text().splitlines()
    assert dict(reversed(line.split()) for line in lines) == {name: facts.sha256 for name, facts in MODELS.items()}
    verify(locate(shared / "spice"))
