'use strict'

const assert = require('assert').strict
const { same } = require('./samples')

const acknowledged = acks => async lab => {
  await lab.create()
  const some = lab.samples.slice(0, 20)
  await lab.send(some, { acks })
  same(await lab.read(some.length), some)
}

/** Records that say their own number. */
const numbered = (from, count, partition = i => 0) =>
  Array.from({ length: count }, (_, i) => ({ value: String(from + i), partition: partition(i) }))

const value = record => Number(record.value.toString())

/** Send in requests of ten, one after another: this client keeps no order among those on the way at once. */
async function sendMany(lab, producer, messages) {
  for (let i = 0; i < messages.length; i += 10) {
    await producer.send({ topic: lab.topic, messages: messages.slice(i, i + 10), acks: -1 })
  }
}

/** All arrive once and in order, and the node numbered the producer. */
async function idempotent(lab) {
  await lab.create()
  await sendMany(lab, await lab.producer({ idempotent: true }), numbered(0, 1000))
  const records = await lab.read(1000)
  assert.deepEqual(records.map(value), numbered(0, 1000).map(each => Number(each.value)))
  assert(records.every(each => BigInt(each.batchContext.producerId) >= 0n), 'no producer id')
}

/** Four producers write into one partition: nothing is lost, and each one's order holds. */
async function concurrent(lab) {
  await lab.create()
  const producers = await Promise.all([0, 1, 2, 3].map(() => lab.producer({ idempotent: true })))
  await Promise.all(producers.map((producer, i) => sendMany(lab, producer, numbered(500 * i, 500))))
  const next = [0, 0, 0, 0]
  for (const record of await lab.read(2000)) {
    const producer = Math.floor(value(record) / 500)
    assert.equal(value(record) % 500, next[producer]++, 'order of a producer')
  }
  assert.deepEqual(next, [500, 500, 500, 500])
}

async function manyPartitions(lab) {
  const partitions = 200
  await lab.create(partitions)
  // Where leaders are still to come it sends again, and only so no partition has a record twice.
  const producer = await lab.producer({ idempotent: true })
  await producer.send({ topic: lab.topic, messages: numbered(0, 2 * partitions, i => i % partitions) })
  const take = await lab.reader()
  for (let partition = 0; partition < partitions; partition++) {
    const records = await take(2, 0, partition)
    assert.deepEqual(records.map(value), [partition, partition + partitions])
  }
}

module.exports = {
  'acks-0': acknowledged(0),
  'acks-1': acknowledged(1),
  'acks-all': acknowledged(-1),
  idempotent,
  concurrent,
  'many-partitions': manyPartitions,
}
