"""The run's plots as SVG that stands in the page: without style attributes, and with names of its own."""

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from salmonn_eval.diagnose.everything import Diagnoses
from salmonn_eval.probes import plots as probe_plots
from salmonn_eval.records import MetricValue
from salmonn_eval.report import diagnosis_plots

_SVG, _LINK = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"
_NAMED = re.compile(r"url\(#([^)]+)\)")
_LEFT_OUT = {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}
TITLES = {
    "scale_g": "Following and G over the LoRA scale",
    "scale_metric": "Headline metrics over the LoRA scale",
    "trade_off": "What a LoRA scale gains and costs",
    "confusion": "Asked and performed task",
    "perplexity": "Perplexity of reference answers over the LoRA scale",
    "selection": "Does the instruction choose the answer?",
}
"""The plots in the order of the page, by the name of their file."""


class Figure(Struct, frozen=True):
    """One plot: its title, its width in points as drawn, and the mark-up."""

    title: str
    width: float
    svg: str


def figures(label: str, found: Diagnoses, values: list[MetricValue], probes: list[Path]) -> Iterator[Figure]:
    """Draw what a run allows, and what the probes' files in its `diagnosis/` folder hold; nothing is left on disk."""
    with TemporaryDirectory() as folder:
        drawn = diagnosis_plots.draw(Path(folder), found, values)
        for file in probes:
            shutil.copyfile(file, Path(folder) / file.name)
        drawn += probe_plots.draw(Path(folder))
        by_name = {file.stem: file for file in drawn if file.suffix == ".svg"}
        for name, title in TITLES.items():
            if name in by_name:
                yield inlined(by_name[name], title, f"{label}-{name}-")


def inlined(file: Path, title: str, prefix: str) -> Figure:
    """An SVG of matplotlib's, to be part of a page with a strict content policy.

    Style attributes become presentation attributes; every id gets `prefix`, for several plots share a page; comments,
    metadata and white backgrounds go, so that the page's own colour shows through.
    """
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.parse(file).getroot()
    width = float(root.get("viewBox", "0 0 600 0").split()[2])
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _LEFT_OUT]:
            parent.remove(child)
    for element in root.iter():
        _restyled(element, prefix)
    for group in root.iter(f"{{{_SVG}}}g"):
        if group.get("id", "").startswith(f"{prefix}patch_"):
            for path in group.iter(f"{{{_SVG}}}path"):
                if path.get("fill") == "#ffffff":
                    path.set("fill", "none")
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    # What the style sheet of the file says of everything.
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt", "role": "img", "aria-label": title}
    return Figure(title, width, ET.tostring(root, encoding="unicode"))


def _restyled(element: ET.Element, prefix: str) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            element.set(name.strip(), value.strip())
    for name, value in list(element.attrib.items()):
        if name == "id":
            element.set(name, prefix + value)
        elif name == _LINK and value.startswith("#"):
            element.set(name, f"#{prefix}{value[1:]}")
        elif "url(#" in value:
            element.set(name, _NAMED.sub(rf"url(#{prefix}\1)", value))
