"""Random scenes of the world, in the mix that its tasks need."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec import Struct

from salmonn_eval.nano.scene import EVENTS, INSTRUMENTS, Emotion, Music, Scene, Utterance, Voice
from salmonn_eval.nano.world.deal import Deal
from salmonn_eval.nano.world.grammar import Sentence, draw_sentence
from salmonn_eval.nano.world.questions import SpokenQuestion, draw_background, draw_question

EMOTIONS: tuple[Emotion, ...] = ("neutral", "happy", "sad", "angry")
SHORT = 8
"""Words of a sentence that shares its clip with another one."""


class Told(Struct, frozen=True):
    """A scene and what is known of it: its kind, its sentences, the question that is asked aloud."""

    kind: str
    scene: Scene
    sentences: tuple[Sentence, ...] = ()
    question: SpokenQuestion | None = None


def draw_told(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    """A scene of a random kind."""
    kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    return told_of(kind, rng, deal, voices)


def told_of(kind: str, rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    """A scene of one kind of `KINDS`."""
    return KINDS[kind][1](rng, deal, voices)


def _speech(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    seed, sentence = _seed(rng), draw_sentence(rng, deal)
    return Told("speech", Scene(seed, (Utterance(sentence.text, rng.choice(voices).id),)), (sentence,))


def _emotional(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    sentence = draw_sentence(rng, deal)
    seed = _seed(rng)
    utterance = Utterance(sentence.text, rng.choice(voices).id, rng.choice(EMOTIONS))
    return Told("emotional", Scene(seed, (utterance,)), (sentence,))


def _question(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    seed, question = _seed(rng), draw_question(rng, deal)
    utterance = Utterance(question.text, rng.choice(voices).id)
    return Told("question", Scene(seed, (utterance,)), question=question)


def _joined(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    first, second = rng.sample(list(voices), 2)
    if rng.random() < 0.5:
        second = first
    sentences = tuple(draw_sentence(rng, deal, SHORT) for _ in range(2))
    pairs = zip(sentences, (first, second), strict=True)
    spoken = tuple(Utterance(sentence.text, voice.id) for sentence, voice in pairs)
    return Told("joined", Scene(_seed(rng), spoken, arrangement="joined"), sentences)


def _mixed(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    pair = rng.sample(list(voices), 2)
    sentences = tuple(draw_sentence(rng, deal, SHORT) for _ in pair)
    spoken = tuple(Utterance(sentence.text, voice.id) for sentence, voice in zip(sentences, pair, strict=True))
    return Told("mixed", Scene(_seed(rng), spoken, arrangement="mixed"), sentences)


def _events(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    return Told("events", Scene(_seed(rng), events=tuple(rng.sample(EVENTS, rng.choice((1, 2, 2))))))


def _music(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    music = Music(rng.choice(("slow", "fast")), rng.choice(("major", "minor")), rng.choice(INSTRUMENTS))
    return Told("music", Scene(_seed(rng), music=music))


def _background(rng: Random, deal: Deal, voices: Sequence[Voice]) -> Told:
    question, event = draw_background(rng, deal)
    seed = _seed(rng)
    utterance = Utterance(question.text, rng.choice(voices).id)
    return Told("background", Scene(seed, (utterance,), events=(event,)), question=question)


def _seed(rng: Random) -> int:
    return rng.getrandbits(32)


KINDS: Mapping[str, tuple[float, Callable[[Random, Deal, Sequence[Voice]], Told]]] = {
    "speech": (42, _speech),
    "emotional": (10, _emotional),
    "question": (7, _question),
    "joined": (8, _joined),
    "mixed": (11, _mixed),
    "events": (11, _events),
    "music": (5, _music),
    "background": (6, _background),
}
"""How often each kind is drawn, and by what."""
