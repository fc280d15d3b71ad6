"""One word for one thing, and the word is the field's: docs/concepts.md is the glossary, this is what it replaces."""

from __future__ import annotations

import re

import pytest

from tests.house.imports import ROOT

FOLDERS = (
    "docs",
    "documents",
    "events",
    "examples",
    "failoverctl",
    "functions",
    "lab",
    "layers",
    "share",
    "statemachine",
    "tests",
)
SPOKEN = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "Makefile", "template.yaml", "observability.yaml")),
    *(
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".md", ".yaml", ".json", ".sh", ".html", ".fish", ".1") or path.name == "_failoverctl"
    ),
)
RECORDED = ("docs/benchmarks/figures.json", "lab/benchmarks/outages.json", "node_modules/", "tests/house/test_words.py")
"""What a run wrote, what is not ours, and this list itself."""
OLD_NAMES_KEPT = re.compile(r"until 0\.1|^\.PHONY:")
"""Make targets and options that still answer to the name they had."""
INSTEAD = {
    r"\bdoors?\b": "access group",
    r"\b(shut|open|closed) access group": "access is revoked, access is granted",
    r"access group (is|was|be|can be) (shut|open|opened)\b": "access is revoked, access is granted",
    r"(in|into|pair into) care\b": "adopt, register a pair",
    r"\b(gone|goes|go) on (with|from the fence)\b": "resume, continue",
    r"\b(tell|tells|told) people\b|\bpeople (are|were|could not be) told\b|tells the wall": "notify, notification",
    r"\bheld[ _]back\b(?!: )": "held, suppressed (a failover); withheld (a configuration)",
    r"\bdisappointed\b": "a probe that failed",
    r"\bpolite\b|\bnobody waits\b|\bnothing waits for\b": "best effort, not awaited",
    r"\bteeth\b": "planted defects, mutation test",
    r"\bcrew\b": "workers",
    r"\bincidents?\b": "scenario (on the testbed), outage (of a server)",
    r"\bhands, not heads\b": "adapter: one external service, no business logic",
    r"\bthat (is|are) none\b": "invalid",
    r"\bDesk\b|\bdesk: ": "CommandContext",
    r"\bclass Trouble\b|\braise Trouble\b|[\[(]\"trouble\"[\])]": "error",
    r"\"attention\"": "problems",
    r"\bcampaigns?\b": "fault simulation",
    r"\b(is|are|was|be|been|were) (not )?let in\b|\blets? in\b": "granted access, grants access, allows",
    r"\blets? (it|both|nobody|anybody|everybody|the server) in\b": "grants access, allows",
    r"\blets?_in(?!_settles_at\"|\"\:|\"\))|\bshut_out\b|\b(access|rule|rules) (is|was) shut\b": "grant, allow, revoke",
    r"\bweigh(s|ed)?\b|\b(admit|evaluate) and weigh|moves? the name\b|name is moved\b": "evaluate, update the record",
    r"\b(notifications|story|world)\.(tell|told)\b|\btell_refusal\b|people_are_told|\"tell\"": "notify, note",
    r"\b(can't|could not) be told\b(?! apart)": "is not known",
    r"rehears": "dry run (of a change), run (of a scenario)",
    r"\bplay(s|ed)? (it|a|one|each|what|the)\b|\bis played\b|def play\b|[.,] ?play\b": "run a scenario",
    r"\b(an?|one|each|every|last|next|second|first|few|many) (late |single )?looks?\b": "probe, read",
    r"[a-z]_look(s|ed|ing)?\b|\blook(s|ed|ing)?_[a-z]|\bdef looks?\b|\"looks?\"": "probe, read, observation",
    r"\blooks? ?[=\]:]|\.looks?\b|\bclass looks?\b|\blook_?only\b": "probe, read, observation, dry run",
}
"""What a reader would have to learn first, and the word that is known."""


@pytest.mark.parametrize("old", INSTEAD)
def test_the_field_s_words_are_used(old: str) -> None:
    pattern = re.compile(old, re.IGNORECASE if old.islower() else 0)
    found = [
        f"{name}:{number}: {line.strip()[:100]!r}: say {INSTEAD[old]}"
        for path in SPOKEN
        if not any((name := str(path.relative_to(ROOT))).startswith(each) or each in name for each in RECORDED)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line) and not OLD_NAMES_KEPT.search(line)
    ]
    assert found == []
