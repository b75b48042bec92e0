'use strict'

const assert = require('assert').strict

const bytes = text => (text === null ? null : Buffer.from(text, 'base64'))

/** Headers in the shape of kafkajs: a value, or all values of a name in a list. */
function shaped(headers) {
  const all = {}
  for (const { name, value } of headers) {
    if (name in all) all[name] = [].concat(all[name], [bytes(value)])
    else all[name] = bytes(value)
  }
  return all
}

function message({ key, value, headers, timestamp }) {
  return {
    key: bytes(key),
    value: bytes(value),
    headers: shaped(headers),
    timestamp: String(timestamp),
    partition: 0,
  }
}

function readSamples(text) {
  const { samples, large } = JSON.parse(text)
  return { samples: samples.map(message), large: message(large) }
}

/** Null and empty are two things; so are the orders of the headers' names. */
function same(records, sent, first = 0) {
  assert.equal(records.length, sent.length, 'number of records')
  records.forEach((record, i) => {
    assert.equal(record.offset, String(first + i))
    assert.deepEqual(record.key, sent[i].key, `key of record ${i}`)
    assert.deepEqual(record.value, sent[i].value, `value of record ${i}`)
    assert.deepEqual(Object.entries(record.headers), Object.entries(sent[i].headers), `headers of record ${i}`)
  })
}

module.exports = { readSamples, same }
