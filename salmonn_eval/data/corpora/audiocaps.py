"""AudioCaps: a CSV of captions, five a test clip, beside a folder of 10 s clips from YouTube (Kim et al. 2019)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from salmonn_eval.data.annotated import AnnotatedSource, Item, files_stamp
from salmonn_eval.data.corpora.layout import AudioNames, clip_names, find
from salmonn_eval.data.corpora.text import CSV, table
from salmonn_eval.errors import UsageError
from salmonn_eval.records import AudioRef, Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
_WHAT = "AudioCaps' captions"
_CLIP_S = 10
_CAPTIONS = 5


def open_audiocaps(dataset: DatasetSpec, folder: Path) -> AnnotatedSource:
    """The captions of `SPLIT.csv` joined by clip: the id is YouTube's, the references all captions in the file's order.

    Clips are found below `folder` under any of the usual names; those that YouTube lost are absent.
    """
    split = dataset.split or "test"
    path = find(dataset, folder, (f"{split}.csv", f"dataset/{split}.csv"), f"AudioCaps' {split}.csv")
    read = partial(_items, path, AudioNames(folder))
    return AnnotatedSource(read, partial(files_stamp, [path], path.parent), remarks=partial(_remarks, read))


def _items(path: Path, audio: AudioNames) -> Iterator[Item]:
    captions: dict[str, list[str]] = {}
    starts: dict[str, tuple[int, int]] = {}
    for number, row in table(path, _COLUMNS, CSV, _WHAT):
        video, start = row["youtube_id"], row["start_time"]
        if not start.isdecimal():
            raise UsageError(f"{path}:{number}: start_time is {start!r}; expected whole seconds")
        line, known = starts.setdefault(video, (number, int(start)))
        if known != int(start):
            raise UsageError(
                f"{path}:{number}: {video} starts at {start} s, but at {known} s in line {line}; "
                "expected one clip a video"
            )
        captions.setdefault(video, []).append(row["caption"].strip())
    for video, (line, start_s) in starts.items():
        clip = Clip((AudioRef(str(audio.find(clip_names(video, start_s, start_s + _CLIP_S)))),))
        references = tuple(captions[video])
        yield Item(str(path), line, Sample(video, (clip,), {"caption": references[0]}, references))


def _remarks(read: partial[Iterator[Item]]) -> Iterator[str]:
    if odd := sum(len(item.sample.references) != _CAPTIONS for item in read()):
        yield f"{odd} clips have another number of captions than {_CAPTIONS}; expected the whole file"
