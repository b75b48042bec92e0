'use strict'

const assert = require('assert').strict
const { becomes } = require('./lab')

const PARTITIONS = 4

/** A member of the check's group; `seen` gathers the numbers it reads. */
async function member(lab, seen = []) {
  const consumer = await lab.consumer(lab.topic)
  await consumer.subscribe({ topics: [lab.topic], fromBeginning: true })
  const held = new Set()
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    held.clear()
    for (const partition of payload.memberAssignment[lab.topic] || []) held.add(partition)
  })
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(Number(message.value.toString())) })
  return { consumer, held, seen }
}

async function number(lab, from, count) {
  const producer = await lab.producer()
  const messages = Array.from({ length: count }, (_, i) => ({ value: String(from + i), partition: i % PARTITIONS }))
  await producer.send({ topic: lab.topic, messages })
}

async function sharing(lab) {
  await lab.create(PARTITIONS)
  const first = await member(lab)
  const second = await member(lab)
  await becomes(() => {
    assert.deepEqual([first.held.size, second.held.size], [PARTITIONS / 2, PARTITIONS / 2])
    assert.equal(new Set([...first.held, ...second.held]).size, PARTITIONS)
  })
  await second.consumer.disconnect()
  await becomes(() => assert.equal(first.held.size, PARTITIONS))
}

/** Read as a member of the group, commit, and leave. */
async function readAll(lab, count) {
  const { consumer, seen } = await member(lab)
  await becomes(() => assert.equal(seen.length, count))
  await consumer.stop()
  await consumer.disconnect()
  return seen.sort((a, b) => a - b)
}

async function resume(lab) {
  await lab.create(PARTITIONS)
  await number(lab, 0, 40)
  await readAll(lab, 40)
  await number(lab, 40, 4)
  assert.deepEqual(await readAll(lab, 4), [40, 41, 42, 43])
}

async function administration(lab) {
  await lab.create(PARTITIONS)
  await number(lab, 0, 40)
  const { consumer, seen } = await member(lab)
  await becomes(() => assert.equal(seen.length, 40))
  const admin = await lab.admin()
  const { groups } = await admin.describeGroups([lab.topic])
  assert.deepEqual([groups[0].state, groups[0].members.length], ['Stable', 1])
  await consumer.stop()
  await consumer.disconnect()
  const listed = (await admin.listGroups()).groups
  assert(listed.some(each => each.groupId === lab.topic))
  const [{ partitions }] = await admin.fetchOffsets({ groupId: lab.topic, topics: [lab.topic] })
  assert.deepEqual(partitions.map(each => each.offset), ['10', '10', '10', '10'])
  await admin.setOffsets({ groupId: lab.topic, topic: lab.topic, partitions: [{ partition: 0, offset: '3' }] })
  const [again] = await admin.fetchOffsets({ groupId: lab.topic, topics: [lab.topic] })
  assert.equal(again.partitions.find(each => each.partition === 0).offset, '3')
  await admin.deleteGroups([lab.topic])
}

module.exports = { 'group-sharing': sharing, 'group-resume': resume, 'group-admin': administration }
