"""The testbed's command line: `python -m lab.testbed run crash`, `drill`, `scenarios`, `testbed`; see --help."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from failoverctl.errors import CommandError
from lab.testbed import namespaces
from lab.testbed.state_files import BUILD, PID_FILE, ROOT, TESTBED_FILE


def main() -> int:
    """Run a command; returns its exit status: 0 done and as expected, 1 not as expected, 2 it could not be done."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.do(arguments))
    except (namespaces.CannotRun, CommandError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; nothing of the testbed is left.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.testbed", description="The local testbed of ms-failover.")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run a scenario on a testbed of its own")
    run.add_argument("scenario")
    run.add_argument("--output", type=Path, default=BUILD)
    run.add_argument("--cloud", choices=("ideal", "aws"), help="ideal, or with AWS's manners (docs/clouds.md)")
    run.add_argument(
        "--turn", action="append", default=[], metavar="NAME=VALUE", help="one manner: its value, or LOW..HIGH"
    )
    run.add_argument("--seed", type=int, default=1, help="of what AWS's manners draw")
    run.set_defaults(do=_run)
    replay = commands.add_parser("replay", help="run a change of a deployed pair once more, and say what differs")
    replay.add_argument("file", type=Path, help="its record, as `failoverctl report --json` prints it")
    replay.add_argument("--output", type=Path, default=BUILD / "replay")
    replay.add_argument("--cloud", choices=("ideal", "aws"), default="ideal", help="as for run")
    replay.add_argument("--seed", type=int, default=1, help="as for run")
    replay.set_defaults(do=_replay)
    drill = commands.add_parser("drill", help="a switchover and back on a testbed of its own, with a short report")
    drill.add_argument("--output", type=Path, default=BUILD / "drill")
    drill.set_defaults(do=_drill)
    accept = commands.add_parser("acceptance", help="from an empty account to an accepted demo pair, on this machine")
    accept.add_argument("only", nargs="*", metavar="SCENARIO", help="only these")
    accept.add_argument("--output", type=Path, default=BUILD / "acceptance")
    accept.set_defaults(do=_acceptance)
    commands.add_parser("scenarios", help="list the scenarios").set_defaults(do=_scenarios)
    commands.add_parser("testbed", aliases=["stage"], help="keep a testbed up until Ctrl-C").set_defaults(do=_testbed)
    failover = commands.add_parser("failover", help="kill the active server of the testbed that is up, and fail over")
    failover.add_argument("event", type=Path, nargs="?", help="kill nothing; start an execution with this file's input")
    failover.set_defaults(do=_failover)
    fault = commands.add_parser("fault", help="break or mend something on the testbed that is up")
    fault.add_argument("words", nargs="*", metavar="DO", help="such as: kill active")
    fault.set_defaults(do=_fault)
    shell = commands.add_parser("shell", help="a shell on a host of the testbed that is up")
    shell.add_argument("host", metavar="HOST", help="ms1 or ms2")
    shell.add_argument("words", nargs="*", help="a command, in place of a shell")
    shell.set_defaults(do=_shell)
    logs = commands.add_parser("logs", help="a function's log on the testbed that is up")
    logs.add_argument("function")
    logs.add_argument("--lines", type=int, default=40)
    logs.add_argument("--follow", action="store_true")
    logs.set_defaults(do=_logs)
    invoke = commands.add_parser("invoke", help="call a function of the testbed that is up")
    invoke.add_argument("function")
    invoke.add_argument("event", type=Path)
    invoke.set_defaults(do=_invoke)
    return parser


def _alone(directory: Path, pid_file: Path | None = None) -> int:
    """Run this command inside new namespaces while no other testbed writes to the directory. Raises CannotRun."""
    namespaces.check()
    with namespaces.alone_in(directory.resolve()):
        return namespaces.run_inside(sys.argv[1:], pid_file)


def _scenarios(_: argparse.Namespace) -> int:
    from lab.testbed.scenarios import all_scenarios

    for scenario in all_scenarios().values():
        print(f"{scenario.name:20} {scenario.headline} → {scenario.expected}")
    return 0


def _drill(arguments: argparse.Namespace) -> int:
    if not namespaces.is_inside():
        return _alone(arguments.output)
    from lab.testbed import drill

    status = _run(argparse.Namespace(scenario=drill.SCENARIO, output=arguments.output, cloud=None, seed=1, turn=[]))
    report = arguments.output / "report.json"
    if report.exists():
        kept = drill.write(json.loads(report.read_text()), arguments.output)
        print(f"\n{kept.read_text()}\nKept as {kept}.")
    return status


def _run(arguments: argparse.Namespace) -> int:
    from lab.testbed.scenarios import all_scenarios

    scenarios = all_scenarios()
    if arguments.scenario not in scenarios:
        raise namespaces.CannotRun(f"There is no scenario {arguments.scenario!r}; there are {', '.join(scenarios)}.")
    if not namespaces.is_inside():
        return _alone(arguments.output)
    from lab.testbed.cloud.manners.dials import Manners, turning
    from lab.testbed.polling import TestbedError
    from lab.testbed.run_scenario import run

    _end_on_signals()
    scenario = scenarios[arguments.scenario]
    manners = Manners(arguments.cloud or scenario.cloud, arguments.seed)
    try:
        turned = [turning(each) for each in arguments.turn]
    except ValueError as problem:
        raise namespaces.CannotRun(str(problem)) from problem
    output: Path = arguments.output.resolve()
    try:
        report = run(scenario, output / "testbed", output, manners=manners, turned=dict(turned))
    except TestbedError as problem:
        print(f"The scenario did not come to its end: {problem}", file=sys.stderr)
        return 1
    return 0 if report["ok"] else 1


def _replay(arguments: argparse.Namespace) -> int:
    from lab.testbed.replay.compare import read
    from lab.testbed.replay.derive import CannotReplay, scenario_of

    try:
        change = read(arguments.file)
        scenario_of(change)  # said before a testbed is built for nothing
    except OSError as error:
        raise namespaces.CannotRun(f"{arguments.file} can't be read: {error.strerror}.") from error
    except CannotReplay as why:
        raise namespaces.CannotRun(f"{change.name} can't be replayed. {why}") from why
    if not namespaces.is_inside():
        return _alone(arguments.output)
    from lab.testbed.polling import TestbedError
    from lab.testbed.replay.command import in_words, replay

    _end_on_signals()
    try:
        found = replay(change, arguments.output.resolve(), arguments.cloud, arguments.seed)
    except TestbedError as problem:
        print(f"The replay did not come to its end: {problem}", file=sys.stderr)
        return 1
    print(in_words(change, found))
    return 1 if found.differs else 0


def _acceptance(arguments: argparse.Namespace) -> int:
    if not namespaces.is_inside():
        os.environ["MS_FAILOVER_TESTBED_LAYOUT"] = "demo"  # for the process inside
        return _alone(arguments.output)
    from lab.testbed.accept import accept
    from lab.testbed.polling import TestbedError

    _end_on_signals()
    output: Path = arguments.output.resolve()
    try:
        return accept(output / "testbed", output, arguments.only)
    except TestbedError as problem:
        print(f"There is no demo pair to accept: {problem}", file=sys.stderr)
        return 1


def _testbed(_: argparse.Namespace) -> int:
    if not namespaces.is_inside():
        return _alone(BUILD, PID_FILE)
    from lab.testbed.polling import TestbedError
    from lab.testbed.serve import keep_up
    from lab.testbed.testbed import Testbed

    _end_on_signals()
    try:
        with Testbed(BUILD / "testbed") as testbed:
            keep_up(testbed)
    except TestbedError as problem:
        print(f"The testbed did not come up: {problem}", file=sys.stderr)
        return 1
    return 0


def _failover(arguments: argparse.Namespace) -> int:
    """Kill the active server and follow the failover that is asked for; with an event, only start that one."""
    if arguments.event is not None:
        _event_in(arguments.event)
    if not namespaces.is_inside():
        return namespaces.run_beside(sys.argv[1:])
    from lab.testbed import fault_injection
    from lab.testbed.remote_actions import execute

    testbed = json.loads(TESTBED_FILE.read_text())
    if arguments.event is not None:
        return execute(testbed, arguments.event)
    print(
        fault_injection.ask("kill active")[1]
    )  # one that is dead already can't be killed, and is failed over from all the same
    return execute(testbed, ROOT / "events" / "failover.json")


def _shell(arguments: argparse.Namespace) -> int:
    """A shell on a host of the testbed that is up."""
    if arguments.host not in ("ms1", "ms2"):
        raise namespaces.CannotRun(f"There is no host {arguments.host!r}; there are ms1 and ms2.")
    if not namespaces.is_inside():
        return namespaces.run_beside(sys.argv[1:])
    from lab.testbed import fault_injection

    done, said = fault_injection.ask(f"pid-of {arguments.host}")
    if not done or not said.isdigit():
        raise namespaces.CannotRun(
            f'The host {arguments.host} is off: make fault DO="power-on {arguments.host}" first.'
        )
    shell = ["bash", "--norc"] if not arguments.words else arguments.words
    print(f"This is {arguments.host}; exit leaves it.", file=sys.stderr)
    return subprocess.call(["nsenter", "-t", said, "-m", "-u", "-i", "-n", "-p", "--", *shell])


def _logs(arguments: argparse.Namespace) -> int:
    """The end of a function's log on the testbed that is up, and then what comes."""
    name = _function_named(arguments.function).replace("_", "-")
    file = BUILD / "testbed" / "logs" / f"testbed-{name}.log"
    if not TESTBED_FILE.exists() or not file.exists():
        raise namespaces.CannotRun(
            f"No testbed is up, or {name} has not run yet: start one with `make testbed`, and wait for it."
        )
    try:
        return subprocess.call(["tail", "-n", str(arguments.lines), *(["-F"] if arguments.follow else []), str(file)])
    except KeyboardInterrupt:
        return 0


def _fault(arguments: argparse.Namespace) -> int:
    if not arguments.words:
        from lab.testbed import fault_injection

        print(fault_injection.table())
        return 0
    if not namespaces.is_inside():
        return namespaces.run_beside(sys.argv[1:])
    from lab.testbed import fault_injection

    done, sentence = fault_injection.ask(" ".join(arguments.words))
    print(sentence, file=sys.stdout if done else sys.stderr)
    return 0 if done else 2


def _invoke(arguments: argparse.Namespace) -> int:
    _function_named(arguments.function)
    _event_in(arguments.event)
    if not namespaces.is_inside():
        return namespaces.run_beside(sys.argv[1:])
    from lab.testbed.remote_actions import invoke

    return invoke(json.loads(TESTBED_FILE.read_text()), arguments.function, arguments.event)


def _function_named(text: str) -> str:
    """A function of the stack, by the name of its folder or with dashes. Raises CannotRun with the names there are."""
    name = text.replace("-", "_")
    known = sorted(each.parent.name for each in (ROOT / "functions").glob("*/app.py"))
    if name not in known:
        raise namespaces.CannotRun(f"There is no function {text!r}; there are {', '.join(known)}.")
    return name


def _event_in(path: Path) -> Path:
    """A file with a JSON object in it. Raises CannotRun with the files that there are."""
    try:
        body = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        there = ", ".join(sorted(each.name for each in (ROOT / "events").glob("*.json")))
        why = error.strerror if isinstance(error, OSError) else f"no JSON: {error}"
        raise namespaces.CannotRun(f"{path} can't be used as an event ({why}); events/ has {there}.") from None
    if not isinstance(body, dict):
        raise namespaces.CannotRun(f"{path} holds no JSON object, and an event is one.")
    return path


def _end_on_signals() -> None:
    """Leave by the ordinary way out on the signals that end programs; a second one ends at once."""

    def leave(*_: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)


if __name__ == "__main__":
    sys.exit(main())
