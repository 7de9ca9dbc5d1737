"""What can be asked about a scene: every task's instruction fields, answer and references."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct

from salmonn_eval import yamlfile
from salmonn_eval.nano.scene import Music
from salmonn_eval.nano.sound.voices import all_voices
from salmonn_eval.nano.world.deal import percentile
from salmonn_eval.nano.world.grammar import Sentence
from salmonn_eval.nano.world.questions import sounds
from salmonn_eval.nano.world.scenes import Told

LEVEL1 = ("asr", "en2zh", "aac", "pr", "er", "mc", "osr", "sv")
EXTRA = ("gr", "sqa", "aqa", "mqa")
LEVEL2 = ("en2de", "en2ja", "ke", "sqqa", "sf")
LEVEL3 = ("story", "sac")
TASKS = (*LEVEL1, *EXTRA, *LEVEL2, *LEVEL3)
PRETRAINED = ("asr", "aac", "mc")
TUNED = (*LEVEL1, *EXTRA)
"""Twelve task types, as in the paper; levels 2 and 3 are never asked about audio in training."""
STORY_WORDS = (60, 90)


class Item(Struct, frozen=True):
    """One question about a scene. `asked` fills the instruction's fields; `target` is the answer to learn.

    `material` is what scorers may need beside the references: fields of a sample.
    """

    task: str
    target: str
    references: tuple[str, ...]
    asked: dict[str, str] = {}
    material: dict[str, Any] = {}
    labels: tuple[str, ...] = ()
    kind: str = ""


def items(told: Told, rng: Random) -> Iterator[Item]:
    """Every item of a scene."""
    for task in TASKS:
        yield from item(task, told, rng)


def item(task: str, told: Told, rng: Random) -> Iterator[Item]:
    """The item of one task, none where the scene has no part in it; `rng` draws what is asked where there is choice."""
    if task in _SCENES[told.kind]:
        yield _MAKERS[task](told, rng)


def stand_in(told: Told, task: str, rng: Random) -> str:
    """Text in place of the audio: what is said, by whom and how where the task asks for that, and what is heard."""
    scene = told.scene
    if scene.music:
        return caption(told)
    if not scene.utterances:
        return caption(told)
    tags = task in ("er", "gr", "sv") or rng.random() < 0.25
    spoken = []
    for utterance in scene.utterances:
        voice = all_voices()[utterance.voice]
        tag = f"{voice.sex} {utterance.emotion} {_NAMES[voice_number(voice.id)]} : " if tags else ""
        spoken.append(f"{tag}{utterance.text}")
    said = (" / " if scene.arrangement == "mixed" else " , ").join(spoken)
    return f"{said} ( {caption(told)} )" if scene.events else said


def caption(told: Told) -> str:
    """One sentence about sounds or music."""
    if (music := told.scene.music) is not None:
        return f"a {music.tempo} {music.instrument} piece in a {music.mode} key"
    return " and then ".join(sounds()[event].clause for event in told.scene.events)


def voice_number(voice: str) -> int:
    """A voice's name among 48: two voices rarely share one."""
    return (percentile(voice) * 101 + percentile(voice + "'")) % len(_NAMES)


_NAMES = tuple(f"{first}{second}" for first in "bdfgklmnprst" for second in "aeio")


def _sentence(told: Told) -> Sentence:
    return told.sentences[0]


def _asr(told: Told, rng: Random) -> Item:
    text = told.scene.utterances[0].text
    return Item("asr", text, (text,), material={"transcript": text})


def _translated(task: str, of: Callable[[Sentence], str]) -> Callable[[Told, Random], Item]:
    def make(told: Told, rng: Random) -> Item:
        sentence = _sentence(told)
        return Item(task, of(sentence), (of(sentence),), material={"transcript": sentence.text})

    return make


def _caption(task: str) -> Callable[[Told, Random], Item]:
    def make(told: Told, rng: Random) -> Item:
        text = caption(told)
        return Item(task, text, (text,), material={"caption": text})

    return make


def _phones(told: Told, rng: Random) -> Item:
    text = told.scene.utterances[0].text
    phones = " ".join(pronunciations()[word] for word in text.split())
    return Item("pr", phones, (phones,), material={"transcript": text, "phones": phones})


def _emotion(told: Told, rng: Random) -> Item:
    utterance = told.scene.utterances[0]
    return Item("er", utterance.emotion, (), material={"transcript": utterance.text}, labels=(utterance.emotion,))


def _gender(told: Told, rng: Random) -> Item:
    utterance = told.scene.utterances[0]
    sex = all_voices()[utterance.voice].sex
    return Item("gr", sex, (), material={"transcript": utterance.text}, labels=(sex,))


def _overlapped(told: Told, rng: Random) -> Item:
    texts = tuple(utterance.text for utterance in told.scene.utterances)
    return Item("osr", "\n".join(texts), texts, material={"transcript": " ".join(texts)})


def _same(told: Told, rng: Random) -> Item:
    first, second = told.scene.utterances
    label = "yes" if first.voice == second.voice else "no"
    return Item("sv", label, (), material={"transcript": f"{first.text} {second.text}"}, labels=(label,))


def _keywords(told: Told, rng: Random) -> Item:
    sentence = _sentence(told)
    return Item("ke", ", ".join(sentence.keywords[:3]), sentence.keywords, material={"transcript": sentence.text})


def _slot(told: Told, rng: Random) -> Item:
    sentence = _sentence(told)
    slot = rng.choice(sorted(sentence.slots))
    value = sentence.slots[slot]
    material = {"transcript": sentence.text, "slot": slot, "slots": sentence.slots}
    return Item("sf", value, (value,), {"slot": slot}, material)


def _spoken_question(task: str) -> Callable[[Told, Random], Item]:
    def make(told: Told, rng: Random) -> Item:
        assert told.question is not None
        question = told.question
        material = {"transcript": question.text}
        if told.scene.events:
            material["caption"] = caption(told)
        return Item(task, question.answer, (question.gold,), material=material)

    return make


def _about_speech(told: Told, rng: Random) -> Item:
    sentence = _sentence(told)
    slot = rng.choice(sorted(sentence.slots))
    asked = _SPEECH_QUESTIONS[slot]
    material = {"transcript": sentence.text, "question": asked}
    return Item("sqa", sentence.slots[slot], (sentence.slots[slot],), {"question": asked}, material)


def _about_sounds(told: Told, rng: Random) -> Item:
    events = told.scene.events
    kind = rng.choice(("there", "first", "last", "many"))
    if kind == "many":
        asked, answer = "How many sounds are there?", "one" if len(events) == 1 else "two"
    elif kind == "there":
        other = rng.choice(sorted(sounds()))
        event = rng.choice(events) if rng.random() < 0.5 else other
        asked, answer = f"Is there {sounds()[event].noun}?", "yes" if event in events else "no"
    else:
        asked = f"What is heard {kind}?"
        answer = sounds()[events[0 if kind == "first" else -1]].noun
    return Item("aqa", answer, (answer,), {"question": asked}, {"caption": caption(told), "question": asked})


def _about_music(told: Told, rng: Random) -> Item:
    music = told.scene.music
    assert music is not None
    asked, answer = rng.choice([(question, of(music)) for question, of in _MUSIC_QUESTIONS.items()])
    return Item("mqa", answer, (answer,), {"question": asked}, {"caption": caption(told), "question": asked})


def _story(told: Told, rng: Random) -> Item:
    if told.scene.utterances:
        sentence = _sentence(told)
        nouns = sentence.keywords[:-1]
        heard, key, who = sentence.text, nouns[-1], sentence.slots["person"]
        what = " and ".join(dict.fromkeys((nouns[0], nouns[-1])))
        kind, material = "speech", {"transcript": heard, "caption": heard}
    else:
        heard = what = caption(told)
        who = ""
        key = sounds()[rng.choice(told.scene.events)].noun
        kind, material = "sound", {"caption": heard}
    groups = _story_groups()[kind]
    text = " ".join(rng.choice(group) for group in groups).format(what=what, key=key, who=who)
    return Item("story", text, (heard,), material=material, kind=kind)


@lru_cache(maxsize=1)
def pronunciations() -> dict[str, str]:
    """ARPAbet of every spoken word."""
    return yamlfile.load(Path(__file__).with_name("phones.yaml"), dict[str, str])


@lru_cache(maxsize=1)
def _story_groups() -> dict[str, tuple[tuple[str, ...], ...]]:
    return yamlfile.load(Path(__file__).with_name("stories.yaml"), dict[str, tuple[tuple[str, ...], ...]])


_SPEECH_QUESTIONS: Mapping[str, str] = {
    "person": "Who is it about?",
    "object": "Which thing is it about?",
    "place": "Where does it happen?",
    "time": "When does it happen?",
    "other person": "Who else is there?",
}
_MUSIC_QUESTIONS: Mapping[str, Callable[[Music], str]] = {
    "Is the tempo slow or fast?": lambda music: music.tempo,
    "Is the key major or minor?": lambda music: music.mode,
    "Which instrument is it?": lambda music: music.instrument,
}
_SCENES: Mapping[str, tuple[str, ...]] = {
    "speech": ("asr", "en2zh", "en2de", "en2ja", "pr", "gr", "sqa", "ke", "sf", "story"),
    "emotional": ("asr", "er", "gr", "en2zh", "pr"),
    "question": ("asr", "pr", "gr", "sqqa"),
    "joined": ("sv",),
    "mixed": ("osr",),
    "events": ("aac", "aqa", "story"),
    "music": ("mc", "mqa"),
    "background": ("asr", "sac"),
}
"""Which tasks a kind of scene has a part in."""
_MAKERS: Mapping[str, Callable[[Told, Random], Item]] = {
    "asr": _asr,
    "en2zh": _translated("en2zh", lambda sentence: sentence.zh),
    "en2de": _translated("en2de", lambda sentence: sentence.de),
    "en2ja": _translated("en2ja", lambda sentence: sentence.ja),
    "aac": _caption("aac"),
    "mc": _caption("mc"),
    "pr": _phones,
    "er": _emotion,
    "gr": _gender,
    "osr": _overlapped,
    "sv": _same,
    "ke": _keywords,
    "sf": _slot,
    "sqqa": _spoken_question("sqqa"),
    "sac": _spoken_question("sac"),
    "sqa": _about_speech,
    "aqa": _about_sounds,
    "mqa": _about_music,
    "story": _story,
}
