'use strict'

const assert = require('assert').strict

/** What takes records of the filled topic. */
async function filled(lab) {
  await lab.fill()
  return lab.reader()
}

async function firstIs(take, place, wanted) {
  const [record] = await take(1, place)
  assert.equal(record.offset, String(wanted))
}

async function seekOffset(lab) {
  const take = await filled(lab)
  for (const wanted of [100, 3, lab.samples.length - 1]) await firstIs(take, wanted, wanted)
}

async function seekBeginning(lab) {
  const take = await filled(lab)
  const admin = await lab.admin()
  const [{ low }] = await admin.fetchTopicOffsets(lab.topic)
  await firstIs(take, 150, 150)
  await firstIs(take, low, 0)
}

async function seekEnd(lab) {
  const take = await filled(lab)
  const admin = await lab.admin()
  const [{ high }] = await admin.fetchTopicOffsets(lab.topic)
  const next = firstIs(take, high, lab.samples.length)
  await lab.send(lab.samples.slice(0, 1))
  await next
}

async function seekTime(lab) {
  const take = await filled(lab)
  const admin = await lab.admin()
  for (const wanted of [6, 8, 150]) {
    const time = Number(lab.samples[wanted].timestamp)
    const [{ offset }] = await admin.fetchTopicOffsetsByTimestamp(lab.topic, time)
    await firstIs(take, offset, wanted)
  }
}

async function listOffsets(lab) {
  await lab.fill()
  const count = lab.samples.length
  const admin = await lab.admin()
  const [listed] = await admin.fetchTopicOffsets(lab.topic)
  assert.deepEqual({ ...listed }, { partition: 0, offset: String(count), high: String(count), low: '0' })
  const [at] = await admin.fetchTopicOffsetsByTimestamp(lab.topic, Number(lab.samples[8].timestamp))
  assert.equal(at.offset, '8')
  // For a time after the last record this client gives the end.
  const late = Number(lab.samples[count - 1].timestamp) + 1
  const [none] = await admin.fetchTopicOffsetsByTimestamp(lab.topic, late)
  assert.equal(none.offset, String(count))
}

module.exports = {
  'seek-offset': seekOffset,
  'seek-beginning': seekBeginning,
  'seek-end': seekEnd,
  'seek-time': seekTime,
  'list-offsets': listOffsets,
}
