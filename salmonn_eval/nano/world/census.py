"""How large the world is."""

from salmonn_eval.nano.world.grammar import skeletons, spoken_words
from salmonn_eval.nano.world.instructions import wordings
from salmonn_eval.nano.world.questions import background_questions, spoken_questions


def census() -> dict[str, int]:
    """Counts for the model card."""
    return {
        "skeletons": len(list(skeletons())),
        "unseen skeletons": sum(skeleton.unseen for skeleton in skeletons()),
        "words in sentences": len(spoken_words()),
        "spoken questions": len(spoken_questions()),
        "questions about a sound": len(background_questions()),
        "instruction wordings": sum(map(len, wordings().values())),
    }
