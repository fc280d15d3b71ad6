// The reference implementation of JSONata. Reads [{expression, variables}], writes [{value} | {error}] as JSON.
// The functions that Step Functions adds are defined here a second time, from its documentation.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const jsonata = createRequire(process.cwd() + '/')('jsonata')

const added = {
  parse: (text) => JSON.parse(text),
  hash: (value, algorithm) => createHash(algorithm.replace('-', '')).update(value).digest('hex'),
  partition: (array, size) =>
    Array.from({ length: Math.ceil(array.length / size) }, (_, at) => array.slice(at * size, (at + 1) * size)),
  range: (first, last, step) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, at) => first + at * step),
}

async function evaluate({ expression, variables }) {
  try {
    const compiled = jsonata(expression)
    for (const [name, body] of Object.entries(added)) compiled.registerFunction(name, body)
    const value = await compiled.evaluate(null, variables)
    return value === undefined ? { error: 'undefined' } : { value }
  } catch (error) {
    return { error: String(error.message ?? error) }
  }
}

const answers = []
for (const each of JSON.parse(readFileSync(0, 'utf8'))) answers.push(await evaluate(each))
process.stdout.write(JSON.stringify(answers))
