"""The gate's report for machines: annotations of GitHub Actions, and JUnit XML."""

from collections.abc import Iterator
from xml.etree import ElementTree

from salmonn_eval.report.gate import Report, Verdict
from salmonn_eval.report.gate_text import sentence

_LEVELS = {"regress": "error", "inconclusive": "warning", "pass": "notice"}


def annotations(report: Report, *, strict: bool = False) -> Iterator[str]:
    """Workflow commands, one for every metric that did not pass; inconclusive is an error where it fails the job."""
    for verdict in report.verdicts:
        if verdict.outcome != "pass":
            level = "error" if _fails(verdict, strict) else _LEVELS[verdict.outcome]
            title = _property(f"{verdict.name} {verdict.metric}: {verdict.outcome}")
            yield f"::{level} title={title}::{_data(sentence(verdict))}"


def _data(text: str) -> str:
    """Escaped as the runner reads it: no text can end its command and begin another."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit(report: Report, *, strict: bool = False) -> bytes:
    """One test case per gated metric: failure for regress (and inconclusive under `strict`), skipped or passed."""
    failed = [verdict for verdict in report.verdicts if _fails(verdict, strict)]
    skipped = [v for v in report.verdicts if v.outcome == "inconclusive" and v not in failed]
    counts = {"tests": len(report.verdicts), "failures": len(failed), "errors": 0, "skipped": len(skipped)}
    numbers = {name: str(count) for name, count in counts.items()}
    suites = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _clean(f"salmonn-eval {report.model}"), **numbers})
    for verdict in report.verdicts:
        names = {"classname": _clean(verdict.name.replace(":", ".")), "name": _clean(verdict.metric)}
        case = ElementTree.SubElement(suite, "testcase", names)
        told = _clean(sentence(verdict))
        if verdict in failed:
            ElementTree.SubElement(case, "failure", {"message": told, "type": verdict.outcome}).text = told
        elif verdict in skipped:
            ElementTree.SubElement(case, "skipped", {"message": told})
        else:
            ElementTree.SubElement(case, "system-out").text = told
    ElementTree.indent(suites)
    document: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _fails(verdict: Verdict, strict: bool) -> bool:
    return verdict.outcome == "regress" or (strict and verdict.outcome == "inconclusive")


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
