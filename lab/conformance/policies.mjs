// A second evaluator of IAM policies. Reads {accountId, principal, questions: [{policies, action, resource, context}]},
// writes [{allowed} | {errors}] as JSON. It also refuses unknown actions, and resources and keys an action does not take.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { runSimulation } = createRequire(process.cwd() + '/')('@cloud-copilot/iam-simulate')
const { accountId, principal, questions } = JSON.parse(readFileSync(0, 'utf8'))

async function decide({ policies, action, resource, context }) {
  const found = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId }, contextVariables: context },
      identityPolicies: policies.map((policy, at) => ({ name: `policy-${at}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (found.errors) return { errors: found.errors }
  return { allowed: found.overallResult === 'Allowed', ignored: found.result.ignoredContextKeys ?? [] }
}

const answers = []
for (const each of questions) answers.push(await decide(each))
process.stdout.write(JSON.stringify(answers))
