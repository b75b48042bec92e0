'use strict'

const { Kafka, Partitioners, CompressionTypes, logLevel } = require('kafkajs')

const SETTINGS = { clientId: 'checks', connectionTimeout: 5000, retry: { retries: 6, initialRetryTime: 100 } }

/** What every check works with: the node, the records, and a topic of the check's own. */
class Lab {
  constructor(bootstrap, { samples, large }, topic) {
    Object.assign(this, { bootstrap, samples, large, topic })
    this.kafka = new Kafka({ ...SETTINGS, brokers: [bootstrap], logLevel: logLevel.NOTHING })
    this.open = []
  }

  /** For a check of what fails for ever, but might not as far as the client knows. */
  giveUpSoon() {
    const retry = { retries: 1, initialRetryTime: 50 }
    this.kafka = new Kafka({ ...SETTINGS, brokers: [this.bootstrap], logLevel: logLevel.NOTHING, retry })
  }

  async close() {
    await Promise.all(this.open.map(each => each.disconnect()))
  }

  async connected(client) {
    await client.connect()
    this.open.push(client)
    return client
  }

  admin() {
    return this.connected(this.kafka.admin())
  }

  producer(settings = {}) {
    const createPartitioner = Partitioners.DefaultPartitioner
    return this.connected(this.kafka.producer({ createPartitioner, allowAutoTopicCreation: false, ...settings }))
  }

  /** Make the topic; says whether it was made. */
  async create(numPartitions = 1, configs = {}) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const admin = await this.admin()
    return admin.createTopics({ topics: [{ topic: this.topic, numPartitions, replicationFactor: 1, configEntries }] })
  }

  /** Send as one batch of partition 0; what it was acknowledged with. */
  async send(messages, { acks = -1, compression = CompressionTypes.None, ...settings } = {}) {
    const producer = await this.producer(settings)
    return producer.send({ topic: this.topic, messages, acks, compression })
  }

  /** The topic with the samples in it, in a compressed batch. */
  async fill() {
    await this.create()
    await this.send(this.samples, { compression: CompressionTypes.ZSTD })
  }

  /** A consumer: it always joins a group. */
  consumer(groupId, settings = {}) {
    const quick = { sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 200 }
    return this.connected(this.kafka.consumer({ groupId, ...quick, ...settings }))
  }

  /** A function that takes records of a partition from an offset on. It reads in a group of its own. */
  async reader(settings = {}) {
    const consumer = await this.consumer(`${this.topic}-reader-${this.open.length}`, settings)
    await consumer.subscribe({ topics: [this.topic], fromBeginning: true })
    let wanted = null
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        if (!wanted || batch.partition !== wanted.partition) return
        // A batch comes whole, also when its middle was asked for.
        wanted.records.push(...batch.messages.filter(each => BigInt(each.offset) >= wanted.next))
        if (batch.messages.length) wanted.next = BigInt(batch.lastOffset()) + 1n
        if (wanted.records.length >= wanted.count) {
          wanted.done(wanted.records)
          wanted = null
        }
      },
    })
    const failed = new Promise((_, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    })
    failed.catch(() => {})
    return (count, offset = 0, partition = 0) => {
      const taken = new Promise(done => {
        wanted = { count, partition, next: BigInt(offset), records: [], done }
      })
      consumer.seek({ topic: this.topic, partition, offset: String(offset) })
      return Promise.race([taken, failed])
    }
  }

  async read(count, offset = 0) {
    const take = await this.reader()
    return take(count, offset)
  }
}

/** A broker shows a change a moment after the controller agreed to it: ask until what is shown is right. */
async function becomes(check) {
  const end = Date.now() + 10_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

module.exports = { Lab, becomes }
