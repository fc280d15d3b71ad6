// AWS's own language service for Amazon States Language. Reads a definition, writes its diagnostics as JSON.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const service = createRequire(process.cwd() + '/')('amazon-states-language-service')
const document = service.TextDocument.create('file:///definition.asl.json', 'json', 1, readFileSync(0, 'utf8'))
const judge = service.getLanguageService({})
const found = await judge.doValidation(document, judge.parseJSONDocument(document))
const plain = found.map((each) => ({ line: each.range.start.line + 1, message: each.message }))
process.stdout.write(JSON.stringify(plain))
