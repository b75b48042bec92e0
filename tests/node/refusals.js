'use strict'

const assert = require('assert').strict
const { refused } = require('./refusing')

async function unknownTopic(lab) {
  lab.giveUpSoon()
  const admin = await lab.admin()
  await refused('UNKNOWN_TOPIC_OR_PARTITION', admin.fetchTopicMetadata({ topics: [lab.topic] }))
  await refused('UNKNOWN_TOPIC_OR_PARTITION', lab.send(lab.samples.slice(0, 1)))
}

/** The broker refuses it, and takes the next record. */
async function tooLarge(lab) {
  await lab.create(1, { 'max.message.bytes': '1000' })
  await refused('MESSAGE_TOO_LARGE', lab.send([{ value: Buffer.alloc(5000), partition: 0 }]))
  const [acknowledged] = await lab.send(lab.samples.slice(0, 1))
  assert.equal(acknowledged.baseOffset, '0')
}

/** The consumer is refused, and goes back to where it was told to begin. */
async function outOfRange(lab) {
  await lab.fill()
  const consumer = await lab.consumer(lab.topic)
  await consumer.subscribe({ topics: [lab.topic], fromBeginning: true })
  const first = new Promise(done => {
    consumer.run({ autoCommit: false, eachMessage: async ({ message }) => done(message.offset) })
  })
  consumer.seek({ topic: lab.topic, partition: 0, offset: '100000' })
  assert.equal(await first, '0')
}

async function invalidConfig(lab) {
  for (const wrong of [{ 'retention.ms': 'soon' }, { 'no.such.setting': '1' }, { 'cleanup.policy': 'shred' }]) {
    await refused('INVALID_CONFIG', lab.create(1, wrong))
  }
}

/** This client says so by `false`. */
async function topicExists(lab) {
  assert.equal(await lab.create(), true)
  assert.equal(await lab.create(), false)
}

/** None are too few, and there is no way back to fewer. */
async function partitionCount(lab) {
  await refused('INVALID_PARTITIONS', lab.create(0))
  await lab.create(3)
  const admin = await lab.admin()
  const fewer = admin.createPartitions({ topicPartitions: [{ topic: lab.topic, count: 2 }] })
  await refused('INVALID_PARTITIONS', fewer)
}

module.exports = {
  'unknown-topic': unknownTopic,
  'too-large': tooLarge,
  'out-of-range': outOfRange,
  'invalid-config': invalidConfig,
  'topic-exists': topicExists,
  'partition-count': partitionCount,
}
