"""The page of a study: a section per claim, with its findings, its measurement and its limitations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.claims.charts import line_chart
from harness.claims.claim import CLAIMS, Claim, Judged
from harness.claims.record import ClaimRecord, StudyRecord, numbers_of, read_claim, read_study_record
from harness.comparison.formatting import duration
from harness.comparison.wording import listed
from harness.registry import BUILT_IN
from harness.reporting.charts.marks import key

TEMPLATES = Path(__file__).parent / "templates"
STYLES = BUILT_IN / "reports" / "html"  # Shared with reports.


@dataclass(frozen=True)
class Told:
    """A claim with its record and judgement.

    Attributes:
        name: The claim's name, which is that of its file.
        claim: The claim.
        record: The record of its measurement; None if it was not measured yet.
        judged: The judgement of the recorded numbers; None without a record.
    """

    name: str
    claim: Claim
    record: ClaimRecord | None
    judged: Judged | None

    @property
    def machine(self) -> str:
        """Processor, versions, date, duration and `--set` settings of the measurement, in words."""
        assert self.record is not None, "only of what was measured"
        found = self.record.provenance
        hardware = found.hardware
        threads = hardware.get("threads", 1)
        versions = ", ".join(
            f"{name} {found.packages[name]}" for name in ("torch", "transformers") if name in found.packages
        )
        took = f"{duration(self.record.processor_seconds)} of processor time"
        changed = [f"--set {pair}" for word, pair in pairwise(found.command) if word == "--set"]
        return (
            f"{hardware.get('processor', 'an unknown processor')}, {threads} thread{'' if threads == 1 else 's'}; "
            f"{versions or 'unknown versions'}; {found.finished[:10]}; {took}"
            f"{', runs of suites left out' if self.record.read else ''}"
            f"{f'; changed by {listed(changed)}' if changed else ''}"
        )


@dataclass(frozen=True)
class Page:
    """The content of a page."""

    study: StudyRecord
    claims: tuple[Told, ...]


def told(folder: Path) -> Page:
    """Read the records of a study in `folder` and judge its claims anew.

    Raises:
        UserError: If a record is damaged.
    """
    study = read_study_record(folder)
    found = []
    for name in study.claims:
        claim, record = CLAIMS.load(name), read_claim(folder, name)
        judged = None if record is None else claim.judge(numbers_of(record, folder))
        found.append(Told(name, claim, record, judged))
    return Page(study, tuple(found))


def html(page: Page) -> str:
    """Render the page as a self-contained HTML file."""
    return _filled("claims.html.j2", page, escaped=True, line_chart=line_chart, mark_key=key)


def markdown(page: Page) -> str:
    """Render the page in Markdown, with a title."""
    return f"# {page.study.description or page.study.study}\n\n{markdown_sections(page)}"


def markdown_sections(page: Page, level: int = 2) -> str:
    """Render the sections in Markdown, without a title, for use in another page."""
    return _filled("claims.md.j2", page, escaped=False, heading="#" * level)


def _filled(template: str, page: Page, *, escaped: bool, **more: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, STYLES]),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown_text
    return environment.get_template(template).render(page=page, **more)


def _markdown_text(text: str) -> str:
    """Escape a text for Markdown, also within a table."""
    for sign in ("\\", "|", "*", "_", "<", "`", "["):
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


PAGES: Mapping[str, Callable[[Page], str]] = {"html": html, "markdown": markdown}
