"""What is asked aloud: facts of the closed world, and the sound behind the voice."""

from functools import lru_cache
from pathlib import Path
from random import Random

from msgspec import Struct

from salmonn_eval import yamlfile
from salmonn_eval.nano.scene import EVENTS
from salmonn_eval.nano.world.deal import Deal, dealt


class Sound(Struct, frozen=True):
    """What a sound is called: `a dog`, `a dog barks`."""

    noun: str
    clause: str


class SpokenQuestion(Struct, frozen=True):
    """A question, its answer as a sentence, and the word or words that the answer must hold."""

    text: str
    answer: str
    gold: str
    combination: str

    @property
    def deal(self) -> Deal:
        """To whom it belongs."""
        return dealt(self.combination)


class Fact(Struct, frozen=True):
    """Questions of one kind: `of` maps what is asked about to the answer."""

    direct: str
    indirect: str
    answer: str
    of: dict[str, str]


class Background(Struct, frozen=True):
    """Questions about the sound behind the voice; see `questions.yaml`."""

    forms: tuple[str, ...]
    yes: tuple[str, ...] = ()
    about: tuple[str, ...] = EVENTS


class Questions(Struct, frozen=True):
    """The file."""

    forms: tuple[str, ...]
    facts: tuple[Fact, ...]
    background: tuple[Background, ...]
    yes: str
    no: str
    named: str


@lru_cache(maxsize=1)
def sounds() -> dict[str, Sound]:
    """Names of the world's sounds."""
    return yamlfile.load(Path(__file__).with_name("sounds.yaml"), dict[str, Sound])


@lru_cache(maxsize=1)
def spoken_questions() -> tuple[SpokenQuestion, ...]:
    """Every fact in every form."""
    file = _questions()
    return tuple(
        SpokenQuestion(
            form.format(d=fact.direct.format(x=x), i=fact.indirect.format(x=x)),
            fact.answer.format(y=y),
            _bare(y),
            f"{form}|{fact.direct}|{x}",
        )
        for fact in file.facts
        for x, y in fact.of.items()
        for form in file.forms
    )


@lru_cache(maxsize=1)
def background_questions() -> tuple[tuple[SpokenQuestion, str], ...]:
    """Every question about the background with every sound that may be behind it."""
    file = _questions()
    found = []
    for kind in file.background:
        for event in kind.about:
            noun = sounds()[event].noun
            answer = (file.yes if event in kind.yes else file.no) if kind.yes else file.named
            gold = ("yes" if event in kind.yes else "no") if kind.yes else _bare(noun)
            for form in kind.forms:
                question = SpokenQuestion(form, answer.format(sound=noun), gold, f"{form}|{event}")
                found.append((question, event))
    return tuple(found)


def draw_question(rng: Random, deal: Deal) -> SpokenQuestion:
    """A spoken question of a split."""
    return rng.choice([question for question in spoken_questions() if question.deal == deal])


def draw_background(rng: Random, deal: Deal) -> tuple[SpokenQuestion, str]:
    """A question about the sound behind it, and that sound; of a split."""
    return rng.choice([pair for pair in background_questions() if pair[0].deal == deal])


def _bare(phrase: str) -> str:
    """Without its article."""
    return phrase.removeprefix("a ").removeprefix("an ")


@lru_cache(maxsize=1)
def _questions() -> Questions:
    return yamlfile.load(Path(__file__).with_name("questions.yaml"), Questions)
