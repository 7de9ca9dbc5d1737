"""Does a text describe a recording, as captions do?"""

import re
from collections.abc import Sequence

_VERBS = (
    "applaud approach bang bark beat beep bellow blare blast blow boom bubble burp buzz caw chant chat chatter "
    "cheer chime chirp chop chug clack clang clank clap clatter clear click clink cluck clunk converse cough "
    "crackle crash creak croak crow crunch cry drill drip drive echo emit explode fall fire flip flow flush fly "
    "fry giggle gobble groan growl gurgle hammer hit hiss honk howl hum idle jingle knock laugh meow moo move "
    "murmur neigh oink operate pass pat play pop pound pour purr quack rain rattle rev ring rip roar rotate rub "
    "rumble run rush rustle saw scrape scratch scream screech shake shout shuffle sing sizzle slam slap slosh "
    "snap sneeze snore spatter speak spin splash splatter splutter spray sputter squawk squeak squeal start step "
    "stir strike strum swoosh talk tap tear thump thunder tick toot trickle turn tweet type vibrate wail walk "
    "whimper whine whir whirr whisper whistle whoosh yell yelp"
).split()
_HEARD = frozenset(
    "alarm applause audio background ballad bass beat bell bells drum drums engine explosion footsteps guitar gunshot "
    "gunshots horn instrument laughter machine melody microphone motor music noise noises piano quality rainfall "
    "recording siren song sound sounds speech static strings thunder traffic train vehicle vibrations vocal vocals "
    "voice voices wind".split()
)
_NARRATION = frozenset(
    "i me my mine myself we us our ours you your yours he him she was were had did said would could thought knew came "
    "went felt took made gave told asked been thee thou thy shall o oh".split()
)
"""Words of narration and dialogue, which captions all but lack."""
_SCENE = re.compile(
    r"(?:an?|someone|somebody|something|people|several|two|three|some|many|multiple)\b.* (?:is|are) (?:\w+ly )?"
    r"(?:being \w+|(?!(?:any|every|no|some)?thing\b)\w+ing)\b"
)
"""Somebody not named before is doing something now."""


def _forms(verb: str) -> tuple[str, ...]:
    """The verb as it stands in captions: crash, crashes, crashing."""
    stem = verb.removesuffix("e")
    doubled = verb + verb[-1] if re.fullmatch(r".*[^aeiou][aeiou][bdgmnprt]", verb) else stem
    if re.search(r"[^aeiou]y$", verb):
        return verb, verb[:-1] + "ies", verb + "ing"
    return verb, verb + ("es" if re.search(r"(?:s|sh|ch)$", verb) else "s"), stem + "ing", doubled + "ing"


_SOUNDING = frozenset(form for verb in _VERBS for form in _forms(verb))


def describes_sound(words: Sequence[str], share: float) -> bool:
    """Whether lower-case words describe a recording rather than narrate, speak or answer.

    They do without any word of narration, if they open on a scene ("a man is talking") or if at least `share` of them
    tell of sound: verbs of sounding in the present tense, and things that are heard.
    """
    if not words or not _NARRATION.isdisjoint(words):
        return False
    cues = sum(word in _SOUNDING or word in _HEARD for word in words)
    return cues >= max(1.0, share * len(words)) or _SCENE.match(" ".join(words)) is not None
