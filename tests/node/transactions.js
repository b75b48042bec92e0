'use strict'

const assert = require('assert').strict
const { becomes } = require('./lab')

function transactional(lab) {
  return lab.producer({ transactionalId: lab.topic, maxInFlightRequests: 1, idempotent: true })
}

/** Send one record in a transaction; how it ends is up to the caller. */
async function begin(lab, producer, value) {
  const transaction = await producer.transaction()
  await transaction.send({ topic: lab.topic, messages: [{ value, partition: 0 }] })
  return transaction
}

const values = records => records.map(each => each.value.toString())

async function committed(lab) {
  await lab.create()
  const producer = await transactional(lab)
  for (let i = 0; i < 9; i++) {
    const transaction = await begin(lab, producer, String(i))
    await (i % 2 ? transaction.abort() : transaction.commit())
  }
  const stable = await lab.reader({ readUncommitted: false })
  assert.deepEqual(values(await stable(5)), ['0', '2', '4', '6', '8'])
  const all = await lab.reader({ readUncommitted: true })
  assert.equal((await all(9)).length, 9)
}

async function offsets(lab) {
  await lab.create()
  const producer = await transactional(lab)
  const admin = await lab.admin()
  for (const [offset, kept] of [['3', true], ['5', false]]) {
    const transaction = await begin(lab, producer, offset)
    const topics = [{ topic: lab.topic, partitions: [{ partition: 0, offset }] }]
    await transaction.sendOffsets({ consumerGroupId: lab.topic, topics })
    await (kept ? transaction.commit() : transaction.abort())
    await becomes(async () => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId: lab.topic, topics: [lab.topic] })
      assert.equal(partitions[0].offset, '3')
    })
  }
}

async function fencing(lab) {
  await lab.create()
  const left = await begin(lab, await transactional(lab), 'left open')
  const fresh = await begin(lab, await transactional(lab), 'new')
  await fresh.commit()
  await assert.rejects(() => left.commit())
  const stable = await lab.reader({ readUncommitted: false })
  assert.deepEqual(values(await stable(1)), ['new'])
}

module.exports = { committed, 'transactional-offsets': offsets, 'producer-fencing': fencing }
