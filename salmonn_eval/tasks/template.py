"""`new task ID`: a complete, commented definition beside a manifest of two real clips, ready to run and to change."""

import shutil
from pathlib import Path

from salmonn_eval.bundled import bundled
from salmonn_eval.errors import UsageError
from salmonn_eval.jsonl import encode_rows, read_rows, write_atomic
from salmonn_eval.tasks.names import id_fault

_DEFINITION = """\
# A task: what is asked, how answers are scored, on which test sets. Check it with `salmonn-eval validate {id}.yaml`.
id: {id}                          # lower case; names the task on the command line and in results
level: 1                          # 1 trained, 2 untrained on speech, 3 untrained on any audio
extra: true                       # kept out of `level1` and `all`: reached by its id and by the group `extra`
title: My task
# In an instruction {{{{ name }}}} stands for a field of the sample; name it under `fields` below.
instruction: "Write down what is said."
paraphrases:                      # other wordings, asked with `--prompt-set paraphrase-1` and so on
  - "Please put the spoken words on paper."
language: en                      # of the answer, ISO 639-1
# labels:                         # closed labels and their spellings, for accuracy
#   happy: [happy, joyful]
generation: {{max_new_tokens: 200, num_beams: 1}}
metrics:                          # `salmonn-eval list metrics` names them all; the headline stands in tables
  - {{name: wer, headline: true, settings: {{normalizer: whisper-en}}}}
  - {{name: following_rate}}
following: {{rule: words}}          # decides whether an answer does what was asked
item_score: one_minus_error       # one of hit, chrf, one_minus_error, rouge_l, grounding
datasets:
  {id}-test:
    suite: mini-real              # mini, mini-real or paper: which `--suite` picks this set
    source: manifest
    path: {id}.jsonl              # relative to the folder given as --task-path
    n_expected: 2                 # `validate` compares
    fields: [transcript]          # what every line has under "fields"
    cluster: speaker              # what each line's "cluster" names; intervals resample it
    licence: "CC BY 4.0 (two LibriSpeech utterances read by winam, https://www.openslr.org/12); write your own here"
version: 1
"""


def new_task(task_id: str, folder: Path) -> list[Path]:
    """Write `ID.yaml`, `ID.jsonl` and two clips below `folder`; returns what was written.

    Raises UsageError for an id that cannot be used, and when a file is there already or cannot be written: nothing is
    overwritten.
    """
    if fault := id_fault(task_id):
        raise UsageError(fault)
    source = bundled("tasks") / "mini-real"
    rows = [row for _, row in read_rows(source / "asr.jsonl", dict)][:2]
    manifest, definition = folder / f"{task_id}.jsonl", folder / f"{task_id}.yaml"
    clips = [folder / row["audio"] for row in rows]
    for path in (definition, manifest):
        if path.exists():
            raise UsageError(f"{path}: is there already and is not overwritten; choose another id or folder")
    try:
        for row, clip in zip(rows, clips, strict=True):
            clip.parent.mkdir(parents=True, exist_ok=True)
            if not clip.exists():
                shutil.copyfile(source / row["audio"], clip)
        write_atomic(manifest, encode_rows(rows))
        write_atomic(definition, [_DEFINITION.format(id=task_id).encode()])
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written to ({error.strerror}); name a folder of your own") from error
    return [definition, manifest, *clips]
