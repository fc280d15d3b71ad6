#!/usr/bin/env bash
# What can be said about the template without an account: SAM's own judgement, cfn-lint's, and checkov's.
# usage: validate.sh TOOLS-DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$1
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-eu-central-1}"

"$tools/bin/sam" validate --lint
"$tools/bin/cfn-lint" template.yaml
echo "cfn-lint: nothing"
# Every exception stands beside its resource in the template, with its reason. Nothing is sent anywhere.
BC_SKIP_MAPPING=TRUE "$tools/bin/checkov" --file template.yaml --framework cloudformation --skip-download --compact --quiet
echo "checkov: nothing"
