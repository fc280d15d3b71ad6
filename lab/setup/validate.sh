#!/usr/bin/env bash
# What can be said about the template without an account: SAM's own judgement, cfn-lint's, and checkov's.
# usage: validate.sh TOOLS-DIRECTORY, with the project's virtual environment in .venv
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$1
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-eu-central-1}"

"$tools/bin/sam" validate --lint
# The other two don't read what the template includes, so they are given it with its includes in place.
mkdir -p build
.venv/bin/python -m lab.testbed.cloud.template template.yaml >build/template.json
"$tools/bin/cfn-lint" build/template.json examples/demo/template.yaml
echo "cfn-lint: nothing"
# Every exception is in .checkov.yaml, with its reason. Nothing is sent anywhere.
BC_SKIP_MAPPING=TRUE "$tools/bin/checkov" --config-file .checkov.yaml --file build/template.json --file examples/demo/template.yaml \
  --skip-download --compact --quiet
echo "checkov: nothing"
