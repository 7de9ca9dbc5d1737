"""Whatever of a specification cannot be: found before a folder is made, a model loaded or a clip decoded."""

from salmonn_eval.engine.generation import effective_generation
from salmonn_eval.engine.judging import check_judge, open_judge
from salmonn_eval.engine.scoring import context_of
from salmonn_eval.engine.spec import RunSpec
from salmonn_eval.errors import UsageError
from salmonn_eval.scorers.registry import availability, build, check_settings, describe
from salmonn_eval.tasks.prompts import template_of
from salmonn_eval.tasks.spec import SeenPrompts
from salmonn_eval.tasks.suites import load_suites


def check(spec: RunSpec) -> None:
    """Raise UsageError for decoding settings, prompt sets or metrics that one of the questions cannot have."""
    suites = load_suites()
    seen = SeenPrompts(spec.seen_prompts) if spec.seen_prompts else None
    for question in spec.questions:
        effective_generation(spec.card, question, suites[question.dataset.suite].generation, spec.generation)
        for variant in spec.variants:
            template_of(question.task, question.dataset, variant.prompt_set, seen)
    check_metrics(spec)


def check_metrics(spec: RunSpec) -> None:
    """Raise UsageError for a metric, setting, language or judge that no scorer can be made for.

    Metrics that are lacking are no fault; PrerequisiteError for a judge whose key is not there.
    """
    lacks = availability()
    check_judge(spec.card, spec.judge)
    judge = open_judge(spec.judge)
    for question in spec.questions:
        for metric in (*question.metrics, *spec.metrics):
            facts = describe(metric.name)
            if lacks.get(metric.name) is not None:
                continue
            if fault := check_settings(metric.name, metric.settings):
                raise UsageError(fault)
            if judge is not None or not facts.needs_judge:
                build(metric.name, metric.settings, context_of(question, judge=judge))
