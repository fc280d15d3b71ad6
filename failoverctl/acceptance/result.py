"""What an acceptance came to: a line for each scenario, a line for each thing that could not be tried before."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.table import Table
from rich.text import Text

from failoverctl.report.chart import text
from failoverctl.report.page import document

RESULT, PAGE = "acceptance.json", "acceptance.html"
_STYLES = {"yes": "green", "no": "bold red", "unknown": "bold yellow"}
_WORDS = {"yes": "accepted", "no": "not accepted", "unknown": "not known"}


@dataclass(frozen=True)
class Line:
    """One thing that was to be shown.

    Args:
        name: what it is.
        answer: "yes", "no" or "unknown".
        sentence: what was seen.
        page: the report's page, from the directory of the result; empty for none.
        took_s: how long it took; None for what took no time of its own.
    """

    name: str
    answer: str
    sentence: str
    page: str = ""
    took_s: float | None = None


@dataclass(frozen=True)
class Result:
    """The whole.

    Args:
        pair: the pair's name.
        where: account, region and stack, in words.
        began_at: seconds since 1970.
        scenarios: in the order in which they were run.
        untried: what docs/deploy.md calls untried.
        left: what could not be taken back.
    """

    pair: str
    where: str
    began_at: float
    scenarios: tuple[Line, ...]
    untried: tuple[Line, ...]
    left: tuple[str, ...] = field(default=())

    @property
    def answer(self) -> str:
        """Yes where every scenario says yes and nothing was left behind; what was untried stays a list."""
        answers = [each.answer for each in self.scenarios]
        if "no" in answers or self.left:
            return "no"
        return "unknown" if "unknown" in answers or not answers else "yes"

    @property
    def headline(self) -> str:
        red = [each.name for each in self.scenarios if each.answer == "no"]
        unknown = [each.name for each in self.scenarios if each.answer == "unknown"]
        if self.answer == "yes":
            return f"{self.pair} is accepted: all {len(self.scenarios)} scenarios ended as they should."
        parts = [f"{self.pair} is {_WORDS[self.answer]}"]
        parts += [f"red: {', '.join(red)}"] if red else []
        parts += [f"not known: {', '.join(unknown)}"] if unknown else []
        parts += [f"{len(self.left)} left to be taken back by hand"] if self.left else []
        return "; ".join(parts) + "."

    @property
    def advice(self) -> str:
        """What to do about a red scenario; empty where none is."""
        if not any(each.answer == "no" for each in self.scenarios):
            return ""
        return (
            "The pair is left as it stands: `failoverctl status`, `explain` and `readiness` say what is wrong with it."
            " Mend that, and run acceptance again."
        )

    def write(self, directory: Path) -> Path:
        """Write acceptance.json and acceptance.html there; returns the page's path."""
        directory.mkdir(parents=True, exist_ok=True)
        whole = {"answer": self.answer, "headline": self.headline, **asdict(self)}
        (directory / RESULT).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
        path = directory / PAGE
        path.write_text(self.page(), encoding="utf-8")
        return path

    def page(self) -> str:
        """The page: every scenario with a link to its own report, and what was untried beside it."""
        day = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.began_at))
        left = "".join(f"<li>{text(each)}</li>" for each in self.left)
        body = [
            f'<header><p class="kicker">acceptance · {day} · {text(self.where)}</p>'
            f"<h1>{text(self.pair)} is {_WORDS[self.answer]}</h1>"
            f'<p class="lead">{text(self.headline)} {text(self.advice)}</p></header>\n',
            f'<p class="verdict not-good">Left behind:</p><ul>{left}</ul>' if left else "",
            '<section class="held"><h2>Scenarios</h2>',
            _list(self.scenarios),
            '</section>\n<section class="held"><h2>What could not be tried without an account</h2>',
            _list(self.untried),
            "</section>\n",
        ]
        return document(f"acceptance of {self.pair}: {_WORDS[self.answer]}", body)

    def table(self) -> Table:
        """The same for a terminal."""
        found = Table.grid(padding=(0, 2))
        for _ in range(2):
            found.add_column(no_wrap=True)
        found.add_column()
        for heading, lines in (("scenario", self.scenarios), ("untried before", self.untried)):
            found.add_row("", Text(heading, "dim"), "")
            for each in lines:
                name = each.name if len(each.name) <= 32 else f"{each.name[:31]}…"
                found.add_row(Text(each.answer, _STYLES[each.answer]), name, Text(each.sentence, "dim"))
        return found


def _list(lines: Iterable[Line]) -> str:
    """As the report of a run lists what had to hold."""
    items = []
    for each in lines:
        name = text(each.name.replace("`", ""))
        name = f'<a href="{text(each.page)}">{name}</a>' if each.page else name
        took = "" if each.took_s is None else f" · {each.took_s:.0f} s"
        items.append(
            f'<li class="{each.answer}"><b>{name}</b> <em>{each.answer}</em>{took}<br/>{text(each.sentence)}</li>'
        )
    return f'<ul class="held">{"".join(items)}</ul>'


def not_run(names: Sequence[str], why: str) -> list[Line]:
    """Lines of scenarios that were not run."""
    return [Line(name, "unknown", f"Not run: {why}") for name in names]
