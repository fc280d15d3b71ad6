"""The page in a real browser (Chromium, headless): a failover watched, an action refused and one done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.failoverctl import region as region_module
from tests.failoverctl.region import PAIR, RUNS, STACK, Region, change, ended, lease, step
from tests.failoverctl.web.served import Served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "chromium")
"""As lab/setup/browser.sh finds or installs it."""
PHONE: ViewportSize = {"width": 375, "height": 700}
SCREEN: ViewportSize = {"width": 1280, "height": 900}
ALLOWED = ["--allow-actions", "--every", "0.2"]
STEPS = (
    ("ConfirmOutage", 0.0, 3.0, "ms1 is silent on both ports."),
    ("RevokeAccess", 3.0, 4.0, "ms1 has no access any more."),
    ("VerifyFence", 4.0, 6.0, "The network cuts ms1 off."),
    ("Promote", 6.0, 9.0, "ms2 serves."),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The sandbox needs rights that root in a container may lack; every page that is opened here is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def executions_begin_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_module, "T0", time.time() - 1)


class Opened:
    """The page as it was opened, with all that the browser complained about."""

    def __init__(self, browser: Browser, served: Served, size: ViewportSize, scheme: Any = "light") -> None:
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(served.address)
        expect(self.page.locator("#headline")).to_contain_text(f"{PAIR}: ")

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.context.close()
        refused = "Failed to load resource: the server responded with a status of 403 (Forbidden)"
        assert kind or set(self.complaints) <= {refused}


def under_way(region: Region, done: int) -> None:
    """The failover has come as far as its first `done` steps, and the next one runs."""
    region.items["state"]["lease"] = lease()
    events: list[dict[str, Any]] = []
    for number, (name, start, end, said) in enumerate(STEPS[: done + 1]):
        events += step(10 * number + 1, name, start, end if number < done else None, said)
    region.executions[f"{RUNS}:one"] = {"status": "RUNNING", "events": events, "input": '{"action": "failover"}'}


def has_ended(region: Region) -> None:
    """The execution has ended, its last step, too, which nobody has read while it ran."""
    events = [event for number, each in enumerate(STEPS) for event in step(10 * number + 1, *each)]
    region.executions[f"{RUNS}:one"] = {**ended("promoted"), "events": events}


def serves(region: Region, role: str) -> None:
    """That server serves and the other one is out."""
    for each in ("ms1", "ms2"):
        answer = "yes" if each == role else "no"
        for about in ("database-access", "database-sessions"):
            region.functions[about, each] = {"answer": answer, "sentence": answer}
    gone = {"admin": "refused", "port": "refused", "sentence": "refused"}
    well = {"admin": "answers", "port": "answers", "sentence": "it answers"}
    region.functions["probe", "probe"] = {each: well if each == role else gone for each in ("ms1", "ms2")}
    address = {"values": [{"ms1": "10.0.0.11", "ms2": "10.0.0.12"}[role]]}
    region.functions["dns", "ms1"] = {"answer": "yes", "sentence": "It points there.", "evidence": address}


def promoted(region: Region) -> None:
    """The failover has ended, and ms2 serves."""
    began = region_module.T0
    phases = [{"name": name, "start": began + start, "end": began + end} for name, start, end, _ in STEPS]
    region.history = [change("promoted", began + 9, execution=f"{RUNS}:one", phases=phases)]
    region.items["state"] |= {"lease": None, "active": "ms2", "epoch": 2}
    has_ended(region)
    serves(region, "ms2")


def test_a_failover_is_watched_from_healthy_to_promoted(browser: Browser, region: Region) -> None:
    with Served(region, ["--every", "0.2"]) as served, Opened(browser, served, SCREEN) as page:
        expect(page.locator("#headline")).to_have_text("tectia: ms1 serves")
        expect(page.locator("#why")).to_have_text("All is well.")
        assert "token" not in page.url
        for done in range(len(STEPS)):
            under_way(region, done)
            rows = page.locator("#steps li")
            expect(rows).to_have_count(done + 1)
            expect(rows.nth(done)).to_have_class("open")
            expect(rows.nth(done)).to_contain_text(STEPS[done][0])
            if done:
                expect(rows.nth(done - 1)).to_contain_text(STEPS[done - 1][3])
        expect(page.locator("#change-title")).to_have_text("The change that runs: failover to ms2 – running")
        promoted(region)
        expect(page.locator("#headline")).to_have_text("tectia: ms2 serves")
        expect(page.locator("#change-title")).to_have_text("The last change: failover to ms2 – promoted")
        expect(page.locator("#steps li.open")).to_have_count(0)
        expect(page.locator("#steps li")).to_have_count(len(STEPS))
        expect(page.locator("#history")).to_contain_text("failover ms1 → ms2: promoted")


def test_bars_stand_where_and_as_long_as_their_steps_ran(browser: Browser, region: Region) -> None:
    promoted(region)
    with Served(region) as served, Opened(browser, served, SCREEN) as page:
        track = page.locator("#steps .track").first.bounding_box()
        bars = [each.bounding_box() for each in page.locator("#steps .track i").all()]
    assert track
    for bar, (_, start, end, _) in zip(bars, STEPS, strict=True):
        assert bar
        assert bar["x"] - track["x"] == pytest.approx(track["width"] * start / 9, abs=2)
        assert bar["width"] == pytest.approx(track["width"] * (end - start) / 9, abs=2)


def filled(page: Page, name: str) -> None:
    page.get_by_label("Action").select_option("switchover")
    page.get_by_label("Reason").fill("maintenance of ms1")
    page.get_by_label("Your name").fill("ann")
    page.get_by_label("The pair’s name").fill(name)


def test_an_action_with_another_name_is_refused_and_with_the_pair_s_done(browser: Browser, region: Region) -> None:
    region.outcome = lambda _: ended("promoted", "ms2 is active.")
    with Served(region, ALLOWED) as served, Opened(browser, served, SCREEN) as page:
        expect(page.locator("#read-only")).to_be_hidden()
        filled(page, "other")
        expect(page.locator("#warning")).to_contain_text("ms1 is stopped cleanly")
        with page.expect_response("**/api/act") as answered:
            page.get_by_role("button", name="Start").click()
        assert answered.value.status == 403
        expect(page.locator("#said")).to_have_text("This is the pair tectia, and 'other' was given. Nothing was done.")
        assert region.started() == []
        filled(page, PAIR)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#said")).to_contain_text("Started: switchover-")
        expect(page.locator("#done")).to_contain_text("switchover: promoted: ms2 is active.")
        assert [each["action"] for each in region.started()] == ["switchover"]


def test_what_is_proposed_is_chosen_with_its_target(browser: Browser, region: Region) -> None:
    region.items["state"] |= {"lease": lease(), "halted": "ms2 did not start."}
    silent = {"admin": "silent", "port": "silent", "sentence": "nothing comes back"}
    region.functions["probe", "probe"] = {**region.functions["probe", "probe"], "ms2": silent}
    with Served(region, ALLOWED) as served, Opened(browser, served, SCREEN) as page:
        expect(page.locator("#next")).to_contain_text("failoverctl resume --target ms1")
        expect(page.get_by_label("Action")).to_have_value("resume")
        expect(page.get_by_label("Active afterwards")).to_have_value("ms1")


def test_a_page_that_only_reads_offers_no_action(browser: Browser, region: Region) -> None:
    with Served(region) as served, Opened(browser, served, SCREEN) as page:
        expect(page.locator("#read-only")).to_be_visible()
        expect(page.locator("form")).to_be_hidden()


def test_what_was_typed_stays_while_the_page_is_read_again(browser: Browser, region: Region) -> None:
    with Served(region, ALLOWED) as served, Opened(browser, served, SCREEN) as page:
        filled(page, "tec")
        page.get_by_label("The pair’s name").focus()
        under_way(region, 1)
        expect(page.locator("#steps li")).to_have_count(2)
        assert page.get_by_label("Reason").input_value() == "maintenance of ms1"
        page.keyboard.type("tia")
        assert page.get_by_label("The pair’s name").input_value() == PAIR


def test_it_works_by_keyboard_alone(browser: Browser, region: Region) -> None:
    region.items["state"]["mode"] = "manual"
    with Served(region, ALLOWED) as served, Opened(browser, served, SCREEN) as page:
        reached = []
        for _ in range(9):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", reached
        assert reached == ["skip", "copy", "action", "target", "reason", "by", "typed", "dry", "go"]


EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_checks_that_say_yes_are_folded_and_stay_unfolded(browser: Browser, region: Region) -> None:
    good = {"answer": "yes", "sentence": "It is.", "remedy": ""}
    bad = {"answer": "no", "sentence": "It is not.", "remedy": "Mend it."}
    region.items["readiness"]["checks"] = [{"name": "a", **good}, {"name": "b", **good}, {"name": "c", **bad}]
    with Served(region, ["--every", "0.2"]) as served, Opened(browser, served, SCREEN) as page:
        expect(page.locator("#checks li")).to_have_text("cnoIt is not.Mend it.")
        expect(page.locator("#good-checks li").first).to_be_hidden()
        page.get_by_text("2 checks say yes").focus()
        page.keyboard.press("Enter")
        under_way(region, 0)
        expect(page.locator("#steps li")).to_have_count(1)
        expect(page.locator("#good-checks li").first).to_be_visible()


def test_markup_from_aws_stays_text(browser: Browser, region: Region) -> None:
    region.parameters = {"PairName": PAIR, "RecordName": EVIL}
    region.history = [change("halted", time.time() - 60, reason=EVIL, sentence=EVIL, requested_by=EVIL)]
    region.items["state"] |= {"lease": lease(), "halted": EVIL}
    region.items["readiness"] = {
        "answer": "no", "sentence": EVIL, "at": time.time(),
        "checks": [{"name": EVIL, "answer": "no", "sentence": EVIL, "remedy": EVIL}],
    }  # fmt: skip
    region.functions["probe", "probe"] = {"ms1": {"admin": EVIL, "port": EVIL, "sentence": EVIL}, "ms2": {}}
    with Served(region) as served, Opened(browser, served, SCREEN) as page:
        expect(page.locator("#history")).to_contain_text("<script>")
        expect(page.locator("#checks")).to_contain_text("<img src=x")
        assert page.locator("main img, main script").count() == 0
        assert page.title().startswith("tectia: ")


def test_without_a_token_nothing_is_shown(browser: Browser, region: Region) -> None:
    with Served(region) as served:
        context = browser.new_context()
        page = context.new_page()
        page.goto(served.server.address)
        expect(page.locator("#error")).to_contain_text("This browser has no valid token")
        expect(page.locator("#pair")).to_be_hidden()
        context.close()
    assert region.asked == []


def test_when_the_program_has_ended_the_page_says_so(browser: Browser, region: Region) -> None:
    context = browser.new_context()
    page = context.new_page()
    with Served(region, ["--every", "0.2"]) as served:
        page.goto(served.address)
        expect(page.locator("#headline")).to_have_text("tectia: ms1 serves")
    expect(page.locator("#error")).to_contain_text("failoverctl does not answer", timeout=15_000)
    context.close()


def test_of_several_pairs_the_worst_is_first_and_each_can_be_chosen(browser: Browser, region: Region) -> None:
    region.other_stacks = [
        {"StackName": "away", "Parameters": [{"ParameterKey": "PairName", "ParameterValue": "other"}]}
    ]
    with Served(region, ["--every", "0.2"], stack="") as served:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        page.goto(served.address)
        expect(page.locator("#pairs li").first).to_contain_text("KNOWN")
        expect(page.locator("#empty")).to_have_text("Choose a pair.")
        page.get_by_role("link", name=STACK).click()
        expect(page.locator("#headline")).to_have_text("tectia: ms1 serves")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        context.close()


def test_of_all_regions_one_that_refuses_is_said_below_the_pairs(browser: Browser, region: Region) -> None:
    region.regions, region.refusing = ["eu-central-1", "eu-north-1", "eu-west-1"], {"eu-north-1"}
    with Served(region, ["--all-regions", "--every", "0.2"], stack="") as served:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        page.goto(served.address)
        expect(page.locator("#pairs li")).to_have_count(2, timeout=15_000)
        expect(page.locator("#pairs .note")).to_contain_text("eu-north-1 could not be asked")
        page.get_by_role("link", name="eu-west-1").click()
        expect(page.locator("#headline")).to_have_text("tectia: ms1 serves")
        expect(page.locator("#pairs a[aria-current]")).to_contain_text("eu-west-1")
        expect(page.locator("#meta")).to_contain_text(f"stack {STACK} in eu-west-1")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        context.close()


def luminance(page: Page, name: str) -> float:
    """Of a colour of the page's body or headline, from 0 (black) to 1, as WCAG 2 has it."""
    red, green, blue = page.evaluate(
        f"(getComputedStyle(document.documentElement).{name}.match(/[0-9]+/g) || []).slice(0, 3).map(Number)"
    )
    linear = [
        each / 255 / 12.92 if each <= 10 else ((each / 255 + 0.055) / 1.055) ** 2.4 for each in (red, green, blue)
    ]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["healthy", "running", "halted"])
def test_on_a_phone_nothing_scrolls_sideways_dark_or_light(
    browser: Browser, region: Region, scheme: str, kind: str
) -> None:
    region.history = [change("halted", time.time() - 60, reason="x" * 200, execution=f"{RUNS}:one")]
    if kind != "healthy":
        under_way(region, 2)
    if kind == "halted":
        region.items["state"]["halted"] = "The service of ms2 did not start: /var/lib/" + "a" * 120
        region.executions.clear()
    with Served(region, ALLOWED) as served, Opened(browser, served, PHONE, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        paper, ink = luminance(page, "backgroundColor"), luminance(page, "color")
        assert (paper > ink) == (scheme == "light")
        assert (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05) > 7
