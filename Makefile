# Every command a person needs. `make run` and `make test` do all of their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

SCENARIO ?= crash
CLOUD ?=
FUNCTION ?= probe
EVENT ?= events/$(FUNCTION).json
SCHEDULES ?= 2000
SEED ?= 1
DEFECT ?=
WORKERS ?= 4
ARGS ?= status
STACK ?= ms-failover
CONFIG ?= default
DO ?=
HOST ?= ms1
ONLY ?=
RUNS ?= 20
KILLS ?= 200
REGION ?=
PROFILE ?=
HOURS ?= 4

VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
TOOLS := build/tools
export PYTHONPATH := layers/msfailover:.
export PYTHONDONTWRITEBYTECODE := 1
TESTBED := $(PYTHON) -m lab.testbed
DEMO = $(PYTHON) -m examples.demo.demo $(if $(REGION),--region $(REGION)) $(if $(PROFILE),--profile $(PROFILE))

.PHONY: stage campaign share import shell logs help setup run drill acceptance scenarios testbed failover fault invoke verify-replication ctl test lint unit simulation bench bench-replication bench-peers bench-aws many-pairs permissions clean kills continuity

USE := run drill acceptance scenarios testbed ctl failover fault import shell logs invoke verify-replication
DEPLOY := build release update validate wheel prepare undo-prepare attach cost demo-up demo-down
MEASURE := bench bench-replication bench-peers bench-aws many-pairs simulation continuity kills second-opinion

help: ## what there is
	@list() { for each in "$$@"; do grep -hE "^$$each:.*## " $(MAKEFILE_LIST); done | sed -E 's/^/  /; s/:.*## /\t/' | expand -t 24; }; \
	 all=$$(grep -ohE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | cut -d: -f1 | sort -u); \
	 rest=$$(comm -23 <(echo "$$all") <(printf '%s\n' $(USE) $(DEPLOY) $(MEASURE) | sort)); \
	 echo 'Use, on this machine:'; list $(USE); echo 'Deploy and operate:'; list $(DEPLOY); \
	 echo 'Develop:'; list $$rest; echo 'Measure:'; list $(MEASURE)

setup: $(READY) ## Debian packages and the virtual environment; the other targets call it themselves
	@lab/setup/packages.sh
	@lab/setup/rsync_debian_12.sh || true

$(READY): requirements.txt
	@lab/setup/virtualenv.sh $(VENV) requirements.txt
	@touch $(READY)

run: setup ## the main job: MS1 fails, MS2 takes over (SCENARIO=crash, hang, … CLOUD=ideal or aws, SEED=1)
	@$(TESTBED) run $(SCENARIO) $(if $(CLOUD),--cloud $(CLOUD)) --seed $(SEED)

drill: setup ## a switchover and back, with a short report
	@$(TESTBED) drill

acceptance: setup ## from an empty account to an accepted demo pair by five commands, on this machine (ONLY=crash)
	@$(TESTBED) acceptance $(ONLY)

scenarios: $(READY) ## the scenarios, a line each
	@$(TESTBED) scenarios

testbed: setup ## keep a testbed up until Ctrl-C
	@$(TESTBED) testbed

stage: testbed # its name until 0.1

failover: $(READY) ## kill the active server of the testbed that is up, and fail over (EVENT=file: only start that)
	@$(TESTBED) failover $(if $(filter file,$(origin EVENT)),,$(EVENT))

import: $(READY) ## software is imported on the active server of the testbed that is up
	@$(TESTBED) fault import active

shell: $(READY) ## a shell on a host of the testbed that is up (HOST=ms1)
	@$(TESTBED) shell $(HOST)

logs: $(READY) ## a function's log on the testbed that is up, until Ctrl-C (FUNCTION=probe)
	@$(TESTBED) logs "$(FUNCTION)" --follow

fault: $(READY) ## break or mend something on the testbed that is up (DO="kill active"; without DO: what there is)
	@$(TESTBED) fault $(DO)

invoke: $(READY) ## call a function on the testbed that is up (FUNCTION=probe EVENT=events/probe.json)
	@$(TESTBED) invoke "$(FUNCTION)" "$(EVENT)"

verify-replication: $(READY) ## compare both copies by content on the testbed that is up, and list what differs
	@bin/failoverctl verify-replication --testbed

ctl: $(READY) ## failoverctl on the testbed that is up (ARGS="status")
	@bin/failoverctl $(ARGS) --testbed

test: setup lint unit ## lint and all tests

lint: $(READY) ## ruff, mypy --strict, cfn-lint, shellcheck, bandit
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@mkdir -p build && $(PYTHON) -m lab.testbed.cloud.template template.yaml >build/template.json
	@$(VENV)/bin/cfn-lint build/template.json examples/demo/template.yaml # the first is template.yaml with its includes in place
	@lab/setup/shellcheck.sh
	@$(VENV)/bin/bandit -q -r layers functions
	@$(VENV)/bin/bandit -q -ll -r failoverctl

unit: setup ## all tests
	@lab/setup/browser.sh
	@$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/lab/simulation --ignore tests/lab/conformance
	@$(VENV)/bin/pytest -n 2 tests/lab/simulation # in processes of their own: they put a world of memory in AWS's place

simulation: $(READY) ## faults by the thousand on the real workflow (SCHEDULES=2000 SEED=1 DEFECT=name)
	@$(PYTHON) -m lab.simulation --schedules $(SCHEDULES) --seed $(SEED) $(if $(DEFECT),--defect $(DEFECT))

continuity: $(READY) ## a day of the watchdog in virtual time, on an unkind cloud (SEED=1)
	@$(PYTHON) -m lab.simulation.continuity --seed $(SEED)

campaign: simulation # its name until 0.1

.PHONY: release demo-up demo-down docs diagram lock wheel build update validate prepare undo-prepare attach audit licences pythons cost second-opinion conformance

$(TOOLS)/.ready: lab/setup/tools.txt
	@lab/setup/virtualenv.sh $(TOOLS) lab/setup/tools.txt
	@touch $@

build: $(READY) $(TOOLS)/.ready ## what goes to AWS: functions and layer for python3.13 on arm64, from the lock file
	@lab/setup/build.sh $(TOOLS)

update: build ## update a deployed pair; refused while a change of it runs (STACK=ms-failover CONFIG=default)
	@bin/failoverctl may-update --stack $(STACK) --yes
	@$(TOOLS)/bin/sam deploy --config-env $(CONFIG) --stack-name $(STACK)

validate: $(READY) $(TOOLS)/.ready ## sam validate --lint, cfn-lint and checkov on the template
	@lab/setup/validate.sh $(TOOLS)

prepare: $(READY) ## make both hosts of a deployed pair ends of the replication (STACK=ms-failover)
	@bin/failoverctl prepare --stack $(STACK)

undo-prepare: $(READY) ## take away what prepare made on both hosts (STACK=ms-failover)
	@bin/failoverctl undo-prepare --stack $(STACK)

attach: $(READY) ## say what the access group of a deployed pair has to be attached to; changes nothing (STACK=ms-failover)
	@bin/failoverctl attach --stack $(STACK)

demo-up: $(READY) ## a demo pair in an AWS account: asks, shows the cost, removes itself (REGION= PROFILE= HOURS=4)
	@$(DEMO) up --hours $(HOURS)

demo-down: $(READY) ## take the demo pair away
	@$(DEMO) down

audit: $(READY) ## known vulnerabilities of every locked package, by PyPI's list (needs the network)
	@lab/setup/audit.sh $(VENV)

build/docs/.ready: lab/setup/docs.txt
	@lab/setup/virtualenv.sh build/docs lab/setup/docs.txt
	@touch $@

docs: build/docs/.ready ## the documentation as a site: build/site; fails on a dead link
	@NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict # not quiet: what is not said is not counted
	@echo "Built build/site/index.html"

lock: ## make the lock files anew from pyproject.toml's dependency groups (needs uv)
	@lab/setup/lock.sh

licences: $(READY) ## write docs/licences.md anew
	@$(PYTHON) -m lab.setup.licences

diagram: $(READY) ## draw the workflow in docs/design.md anew
	@$(PYTHON) -m lab.setup.diagram

wheel: $(READY) ## failoverctl as people install it: build/wheels/*.whl, for pipx or uv
	@$(PYTHON) -m pip wheel -q --disable-pip-version-check --no-deps --wheel-dir build/wheels .
	@rm -rf ms_failover.egg-info build/lib build/bdist.*
	@ls build/wheels/*.whl

release: $(READY) ## what others deploy, from HEAD: build/release; built twice and compared
	@$(PYTHON) -m lab.release --check

share: $(READY) ## write the manual page and the completions below share/ anew
	@mkdir -p share/man/man1 share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d
	@bin/failoverctl man >share/man/man1/failoverctl.1
	@bin/failoverctl completion bash >share/bash-completion/completions/failoverctl
	@bin/failoverctl completion zsh >share/zsh/site-functions/_failoverctl
	@bin/failoverctl completion fish >share/fish/vendor_completions.d/failoverctl.fish

cost: $(READY) ## what a pair at rest costs a month by this template, by service (failoverctl cost: a deployed stack)
	@$(PYTHON) -m lab.benchmarks.monthly_cost

build/second/.ready: lab/conformance/emulator/requirements.txt
	@lab/setup/virtualenv.sh build/second lab/conformance/emulator/requirements.txt
	@touch $@

second-opinion: $(READY) build/second/.ready ## the template and the workflow on an emulator that shares nothing with moto
	@$(PYTHON) -m lab.conformance.emulator

build/conformance/.ready: lab/conformance/package-lock.json lab/conformance/requirements.txt
	@lab/setup/node_modules.sh lab/conformance build/conformance/node
	@lab/setup/virtualenv.sh build/conformance/python lab/conformance/requirements.txt
	@touch $@

conformance: setup build/conformance/.ready ## what judges of other makers say of the workflow, the policies and the calls
	@$(VENV)/bin/pytest -n 2 --dist loadfile tests/lab/conformance

pythons: setup ## the deployable part's tests on Python 3.11, 3.12 and 3.13, as far as they are here
	@lab/setup/pythons.sh $(WORKERS)

bench: setup ## how fast it is: build/benchmarks.json and a page of plots (ONLY=functions,soak RUNS=20)
	@$(PYTHON) -m lab.benchmarks --runs $(RUNS) $(if $(ONLY),--only $(ONLY))

bench-replication: setup ## our replication beside rsync, lsyncd and csync2: a table and build/bench-replication.json
	@lab/setup/packages.sh lsyncd csync2
	@$(PYTHON) -m lab.benchmarks.replication

kills: setup ## kill replications at random starts of their programs, on either host (KILLS=200 SEED=1)
	@KILLS=$(KILLS) KILLS_SEED=$(SEED) MODULE_DEADLINE_S=14400 $(VENV)/bin/pytest -s tests/documents/test_kills.py

bench-peers: setup ## our failover beside keepalived and Pacemaker: a table and build/benchmarks-peers.json
	@lab/setup/packages.sh keepalived pacemaker corosync pacemaker-cli-utils curl
	@$(PYTHON) -m lab.benchmarks.peers

bench-aws: setup ## the scenarios on a cloud with AWS's behaviour, 20 seeds each: a table and build/on-aws (FIRST=7 continues)
	@$(PYTHON) -m lab.benchmarks.on_aws --first $(or $(FIRST),1) --seeds $(RUNS)

many-pairs: $(READY) ## many pairs in one AWS account against its default quotas: tables and docs/many-pairs.md
	@$(PYTHON) -m lab.benchmarks.many_pairs

permissions: $(READY) ## docs/permissions.md, made from the template
	@$(PYTHON) -m lab.testbed.iam.table

clean: ## what was built; the virtual environment stays
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .aws-sam
