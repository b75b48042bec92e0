'use strict'

const assert = require('assert').strict
const { CompressionTypes } = require('kafkajs')
const { same } = require('./samples')

const CREATE_TIME = 0
const LOG_APPEND_TIME = 1

/** Send the samples of a kind in one batch and read them back as sent. */
const roundTrip = (compression, kind = () => true) => async lab => {
  const some = lab.samples.filter(kind)
  assert(some.length >= 2, `only ${some.length} samples of this kind`)
  await lab.create()
  const [acknowledged] = await lab.send(some, { compression })
  assert.equal(acknowledged.baseOffset, '0')
  same(await lab.read(some.length), some)
}

/** Reads with a limit far below the size of one record: the first one comes whole all the same. */
async function megabyte(lab) {
  await lab.create()
  for (let i = 0; i < 3; i++) await lab.send([lab.large])
  const take = await lab.reader({ maxBytesPerPartition: 65536 })
  same(await take(3), [lab.large, lab.large, lab.large])
}

async function createTime(lab) {
  await lab.create()
  await lab.send(lab.samples)
  const records = await lab.read(lab.samples.length)
  records.forEach((record, i) => {
    assert.equal(record.batchContext.timestampType, CREATE_TIME)
    assert.equal(record.timestamp, lab.samples[i].timestamp)
  })
}

async function appendTime(lab) {
  await lab.create(1, { 'message.timestamp.type': 'LogAppendTime' })
  const began = Date.now() - 1000
  await lab.send(lab.samples, { compression: CompressionTypes.GZIP })
  for (const record of await lab.read(lab.samples.length)) {
    assert.equal(record.batchContext.timestampType, LOG_APPEND_TIME)
    const time = Number(record.timestamp)
    assert(time >= began && time <= Date.now() + 1000, `appended at ${time}`)
  }
}

module.exports = {
  none: roundTrip(CompressionTypes.None),
  gzip: roundTrip(CompressionTypes.GZIP),
  snappy: roundTrip(CompressionTypes.Snappy),
  lz4: roundTrip(CompressionTypes.LZ4),
  zstd: roundTrip(CompressionTypes.ZSTD),
  headers: roundTrip(CompressionTypes.None, each => Object.keys(each.headers).length > 0),
  nulls: roundTrip(CompressionTypes.None, each => each.key === null || each.value === null),
  megabyte,
  'create-time': createTime,
  'append-time': appendTime,
}
