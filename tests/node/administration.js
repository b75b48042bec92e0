'use strict'

const assert = require('assert').strict
const { ConfigResourceTypes } = require('kafkajs')
const { becomes } = require('./lab')
const { refused } = require('./refusing')

async function describe(admin, topic) {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  return topics[0]
}

async function config(admin, topic, key) {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [key] }]
  const described = await admin.describeConfigs({ resources, includeSynonyms: false })
  const [entry] = described.resources[0].configEntries
  assert.equal(entry.configName, key)
  return entry.configValue
}

async function createTopic(lab) {
  assert.equal(await lab.create(3, { 'retention.ms': '1234567' }), true)
  const admin = await lab.admin()
  assert((await admin.listTopics()).includes(lab.topic), 'not listed')
  assert.equal(await config(admin, lab.topic, 'retention.ms'), '1234567')
}

async function describeTopic(lab) {
  await lab.create(3)
  const { partitions } = await describe(await lab.admin(), lab.topic)
  partitions.sort((a, b) => a.partitionId - b.partitionId)
  partitions.forEach((each, i) => {
    assert.deepEqual([each.partitionId, each.leader, each.replicas, each.isr], [i, 1, [1], [1]])
  })
  assert.equal(partitions.length, 3)
}

/** This client knows the older way only: all settings of a topic are replaced by those given. */
async function alterConfig(lab) {
  await lab.create()
  const admin = await lab.admin()
  const become = async (configEntries, wanted) => {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: lab.topic, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
    await becomes(async () => assert.equal(await config(admin, lab.topic, 'max.message.bytes'), wanted))
  }
  await become([{ name: 'max.message.bytes', value: '5000' }], '5000')
  await become([{ name: 'retention.ms', value: '1234567' }], '1048588')
}

async function addPartitions(lab) {
  await lab.create(2)
  const admin = await lab.admin()
  await admin.createPartitions({ topicPartitions: [{ topic: lab.topic, count: 5 }] })
  await becomes(async () => assert.equal((await describe(admin, lab.topic)).partitions.length, 5))
}

async function deleteRecords(lab) {
  await lab.fill()
  const admin = await lab.admin()
  const before = offset => admin.deleteTopicRecords({ topic: lab.topic, partitions: [{ partition: 0, offset }] })
  // It wants to know the topic before.
  await admin.fetchTopicOffsets(lab.topic)
  await before('7')
  assert.equal((await admin.fetchTopicOffsets(lab.topic))[0].low, '7')
  const [first] = await lab.read(1, 7)
  assert.equal(first.offset, '7')
  await refused('OFFSET_OUT_OF_RANGE', before('100000'))
}

async function deleteTopic(lab) {
  await lab.create()
  const admin = await lab.admin()
  await admin.deleteTopics({ topics: [lab.topic] })
  await becomes(async () => assert(!(await admin.listTopics()).includes(lab.topic), 'still listed'))
  await refused('UNKNOWN_TOPIC_OR_PARTITION', admin.deleteTopics({ topics: [lab.topic] }))
}

async function describeCluster(lab) {
  const cluster = await (await lab.admin()).describeCluster()
  assert.deepEqual(
    cluster.brokers.map(each => `${each.nodeId} ${each.host}:${each.port}`),
    [`1 ${lab.bootstrap}`]
  )
  assert.equal(cluster.controller, 1)
  assert.equal(cluster.clusterId.length, 22)
}

module.exports = {
  'create-topic': createTopic,
  'describe-topic': describeTopic,
  'alter-config': alterConfig,
  'add-partitions': addPartitions,
  'delete-records': deleteRecords,
  'delete-topic': deleteTopic,
  'describe-cluster': describeCluster,
}
