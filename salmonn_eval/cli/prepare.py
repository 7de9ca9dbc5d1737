"""`prepare`: speech for the corpora that are text, made once or laid out for recordings."""

from pathlib import Path
from typing import Annotated

import typer

from salmonn_eval.cli import options as o


def prepare(
    corpus: Annotated[str, typer.Argument(help="inspec or wikiqa.")],
    tts: Annotated[
        str,
        o.option(
            "--tts",
            help="espeak-ng, recordings (your own), or a command with {out} and {text} (else standard input).",
            env=False,
        ),
    ] = "espeak-ng",
    voice: Annotated[
        str | None,
        o.option("--voice", help="The engine's voice (espeak-ng: en-us); stands in every signature.", env=False),
    ] = None,
    data: o.Data = None,
    out: Annotated[
        Path | None, o.option("--out", help="Folder for audio, manifest and the voice's name.", env=False)
    ] = None,
    workers: o.Workers = 2,
    json: o.Json = False,
) -> None:
    """Give a corpus of texts a voice: audio once, and a manifest that its test set reads.

    An interrupted call goes on when it is repeated. `--tts recordings` writes the manifest only.
    """
    from salmonn_eval.cli import parse
    from salmonn_eval.cli.console import hours, say, say_json
    from salmonn_eval.data.speech.engines import RECORDINGS, engine, recordings
    from salmonn_eval.data.speech.prepare import make, spoken_dataset, template
    from salmonn_eval.errors import UsageError
    from salmonn_eval.tasks.discover import discover

    folders = parse.pairs("--data", data)
    dataset = spoken_dataset([task.spec for task in discover().tasks], corpus)
    if corpus not in folders or out is None:
        raise UsageError(f"prepare {corpus}: expected --data {corpus}=DIR (its texts) and --out DIR (its speech)")
    folder = Path(folders[corpus]).expanduser()
    if tts == RECORDINGS:
        done = template(dataset, folder, recordings(voice), out)
    else:
        done = make(dataset, folder, engine(tts, voice), out, workers=workers, progress=_told)
    if json:
        say_json(done)
    elif tts == RECORDINGS:
        say(f"{done.manifest}: {done.kept} of its recordings are there; put the others into {out / 'audio'}")
    else:
        say(f"{done.manifest}: {done.made} texts spoken, {done.kept} kept, {hours(done.seconds)} of speech")
    if not json:
        say(f"next: salmonn-eval run --suite paper --data {corpus}={out} ...")


def _told(count: int, of: int) -> None:
    from salmonn_eval.cli.console import tell

    if count % 50 == 0 or count == of:
        tell(f"spoken: {count} of {of}")
