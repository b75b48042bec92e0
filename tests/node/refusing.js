'use strict'

const assert = require('assert').strict

/** All errors that stand behind one of kafkajs: it wraps them, and gathers those of many topics and partitions. */
function* behind(error) {
  if (!error) return
  yield error
  for (const each of [error.cause, error.originalError, error.error]) {
    if (each && each !== error) yield* behind(each)
  }
  for (const each of [...(error.errors || []), ...(error.partitions || [])]) yield* behind(each)
}

/** Wait for work that must be refused with Kafka's error of this name. */
async function refused(type, work) {
  const error = await work.then(() => null, problem => problem)
  assert(error, `not refused with ${type}`)
  const types = [...behind(error)].map(each => each.type).filter(Boolean)
  assert(types.includes(type), `refused with ${types} (${error.message}) instead of ${type}`)
}

module.exports = { refused }
