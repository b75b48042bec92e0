'use strict'

/** The codecs kafkajs leaves to others, all without native code: it has gzip itself. */

const { CompressionTypes, CompressionCodecs } = require('kafkajs')
const snappy = require('kafkajs-snappy')
const lz4 = require('lz4js')
const xxhash = require('lz4js/xxh32.js')
const { ZstdCodec } = require('zstd-codec')

const INDEPENDENT_BLOCKS = 0x20

/** Kafka takes frames of independent blocks only. This library makes blocks of 4 MB, and a batch has one: say so. */
function lz4Frame(data) {
  const frame = Buffer.from(lz4.compress(data))
  frame[4] |= INDEPENDENT_BLOCKS
  frame[6] = (xxhash.hash(0, frame, 4, 2) >> 8) & 0xff
  return frame
}

async function install() {
  CompressionCodecs[CompressionTypes.Snappy] = snappy
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async encoder => lz4Frame(encoder.buffer),
    decompress: async buffer => Buffer.from(lz4.decompress(buffer)),
  })
  const zstd = await new Promise(resolve => ZstdCodec.run(resolve))
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async encoder => Buffer.from(new zstd.Simple().compress(encoder.buffer, 3)),
    decompress: async buffer => Buffer.from(new zstd.Streaming().decompress(buffer)),
  })
}

module.exports = { install }
