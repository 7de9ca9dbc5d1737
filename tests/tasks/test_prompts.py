import json
from pathlib import Path
from typing import Any

import pytest

from salmonn_eval.errors import UsageError
from salmonn_eval.tasks.discover import Catalogue
from salmonn_eval.tasks.prompts import prompt_sets, render, template_of, variables
from salmonn_eval.tasks.selection import find_task
from salmonn_eval.tasks.spec import SeenPrompts

SAMPLE = {"slot": "event_name", "question": "What is the man doing?"}


def test_rendered_prompts_are_what_they_were(bundled_tasks: Catalogue, data: Path) -> None:
    rendered = {
        task.spec.id: {name: render(text, SAMPLE) for name, text in prompt_sets(task.spec).items()}
        for task in bundled_tasks.tasks
    }
    assert rendered == json.loads((data / "rendered_prompts.json").read_text(encoding="utf-8"))


def test_a_slot_name_is_spoken_as_words_and_other_fields_are_not_touched() -> None:
    assert render("What is the {{ slot }}?", {"slot": "email_address"}) == "What is the email address?"
    assert render("{{ question }}", {"question": "What is snake_case?"}) == "What is snake_case?"


def test_text_of_any_script_and_size_passes_unchanged() -> None:
    assert render("何ですか。{{ question }}\n", {"question": "<b>&'\""}) == "何ですか。<b>&'\"\n"
    assert render("x" * 1_000_000, {}) == "x" * 1_000_000


def test_a_refusal_quotes_the_beginning_of_a_long_instruction_only() -> None:
    with pytest.raises(UsageError) as refused:
        render("x" * 1_000_000 + "{{ slot }}", {})
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("template", "fields", "sentence"),
    [
        ("What is the {{ slot }}?", {}, "'slot' is undefined"),
        ("What is the {{ slot }}?", {"slot": None}, "a field is None"),
        ("What is the {{ slot }}?", {"slot": ["a"]}, "expected text or a number"),
        ("What is the {slot}?", {"slot": "date"}, "braces are left over"),
        ("What is the {}?", {"slot": "date"}, "braces are left over"),
        ("What is the {{ slot }}}?", {"slot": "date"}, "braces are left over"),
        ("What is the {{ slot }?", {"slot": "date"}, "cannot be rendered"),
        ("{{ question }}", {"question": "What is the {{ slot }}?"}, "a field's value holds a template"),
        ("{{ 1 / 0 }}", {}, "division by zero"),
    ],
)
def test_a_template_that_does_not_come_out_whole_is_refused(
    template: str, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        render(template, fields)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ slot.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ slot.format.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ range(10) | join }}",
        "{% set _ = slots.append('x') %}{{ slots | join }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_the_sandbox_refuses_everything_but_fields(template: str) -> None:
    with pytest.raises(UsageError):
        render(template, {"slot": "date", "slots": ["a"]})


def test_variables_are_those_the_template_needs() -> None:
    assert variables("Plain.") == frozenset()
    assert variables("{{ slot }} and {{ question | upper }}") == {"slot", "question"}


def test_prompt_sets_are_named_and_an_unknown_one_lists_them(bundled_tasks: Catalogue) -> None:
    spec = find_task(bundled_tasks, "asr").spec
    assert template_of(spec, None, "release") == spec.instruction
    assert template_of(spec, spec.datasets["mini-real"], "paraphrase-5") == spec.paraphrases[4]
    seen = SeenPrompts({"asr": ("Write it down.",)})
    assert template_of(spec, None, "seen-1", seen) == "Write it down."
    with pytest.raises(UsageError, match=r"expected one of: release, paraphrase-1.*--seen-prompts FILE"):
        template_of(spec, None, "seen-1")
    with pytest.raises(UsageError, match="no prompt set `paraphrase-6`"):
        template_of(spec, None, "paraphrase-6")
