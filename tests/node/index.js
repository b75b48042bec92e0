'use strict'

/**
 * Does real work on a Kafka node with kafkajs and says of each check how it went.
 *
 *   node index.js BOOTSTRAP SAMPLES
 *
 * SAMPLES is a file of the records to send, as tests/conformance/programs.py writes it. Each check prints one line of
 * JSON: its name, and what was wrong or null. The checks are those of tests/conformance/checks.py.
 */

const fs = require('fs')
const { Lab } = require('./lab')
const { readSamples } = require('./samples')
const codecs = require('./codecs')

const LIMIT_MS = 30_000
const THEMES = ['./records', './reading', './producing', './groups', './transactions', './administration', './refusals']

async function limited(work) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${LIMIT_MS} ms`)), LIMIT_MS)
  })
  try {
    await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

async function main([bootstrap, file]) {
  if (!file) throw new Error('usage: node index.js BOOTSTRAP SAMPLES')
  await codecs.install()
  const records = readSamples(fs.readFileSync(file, 'utf8'))
  for (const theme of THEMES) {
    for (const [name, check] of Object.entries(require(theme))) {
      const lab = new Lab(bootstrap, records, `kafkajs-${name}`)
      let problem = null
      try {
        await limited(() => check(lab))
      } catch (error) {
        problem = `${error.name}: ${error.message}`
      }
      await lab.close()
      console.log(JSON.stringify({ check: name, problem }))
    }
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  error => {
    console.error(error)
    process.exit(2)
  }
)
