"""What a reader must know of a number before comparing it with its neighbours."""

from collections.abc import Iterator

from salmonn_eval.errors import UsageError
from salmonn_eval.records import MetricValue
from salmonn_eval.report.likeness import asked_but, changed_fields, differing
from salmonn_eval.report.rows import UNKNOWN


def mixing(value: MetricValue, held: MetricValue, mixed: bool) -> Iterator[str]:
    """Refuse with UsageError (or mark, where `mixed`) a value that is not scored and asked as its column's first."""
    if value.value is None:
        return
    free = asked_but(changed_fields(held.variant, value.variant))
    faults = (
        ("scored", differing(held.signature, value.signature), "score both again with the same settings"),
        ("asked", differing(held.asked, value.asked, free), "run both on the same items with the same prompts"),
    )
    for verb, fault, mend in faults:
        if fault and not mixed:
            raise UsageError(
                f"{value.task} {value.dataset} {value.metric}: {verb} {fault[0]} for {held.model} but {fault[1]} for "
                f"{value.model}; one column holds one question scored one way: {mend}, or mark them with --mixed"
            )
        if fault:
            yield f"{verb} {fault[1]}, others {fault[0]}: not comparable"
    unknown = [told for told, field in (("asked", value.asked), ("scored", value.signature)) if field == UNKNOWN]
    if unknown:
        yield f"how it was {' and '.join(unknown)} is unknown"


def coverage(value: MetricValue) -> Iterator[str]:
    """Why a value is absent, or what it is not over."""
    if value.value is None:
        yield f"{value.status}: {value.why or 'no reason given'}"
        return
    if value.n_scored < value.n_planned:
        yield f"{value.task} {value.metric}: {value.n_scored} of {value.n_planned} scored"
