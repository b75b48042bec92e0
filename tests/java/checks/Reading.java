package checks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** From any place on. */
class Reading {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();

    static {
        CHECKS.put("seek-offset", Reading::seekOffset);
        CHECKS.put("seek-beginning", Reading::seekBeginning);
        CHECKS.put("seek-end", Reading::seekEnd);
        CHECKS.put("seek-time", Reading::seekTime);
        CHECKS.put("list-offsets", Reading::listOffsets);
    }

    /** A consumer of the filled partition. */
    static KafkaConsumer<byte[], byte[]> reader(Lab lab) throws Exception {
        lab.fill();
        KafkaConsumer<byte[], byte[]> consumer = lab.consumer(Map.of());
        consumer.assign(List.of(lab.partition));
        return consumer;
    }

    static long first(KafkaConsumer<byte[], byte[]> consumer) {
        return Lab.take(consumer, 1).get(0).offset();
    }

    static void seekOffset(Lab lab) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = reader(lab)) {
            for (long wanted : new long[] {100, 3, lab.samples.size() - 1}) {
                consumer.seek(lab.partition, wanted);
                Main.equal("first record", first(consumer), wanted);
            }
        }
    }

    static void seekBeginning(Lab lab) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = reader(lab)) {
            consumer.seek(lab.partition, 150);
            Main.equal("first record", first(consumer), 150L);
            consumer.seekToBeginning(List.of(lab.partition));
            Main.equal("first record", first(consumer), 0L);
        }
    }

    static void seekEnd(Lab lab) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = reader(lab)) {
            consumer.seekToEnd(List.of(lab.partition));
            long end = lab.samples.size();
            Main.equal("position", consumer.position(lab.partition), end);
            lab.send(lab.samples.subList(0, 1), Map.of());
            Main.equal("record after the end", first(consumer), end);
        }
    }

    static void seekTime(Lab lab) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = reader(lab)) {
            for (long wanted : new long[] {6, 8, 150}) {
                long time = lab.samples.get((int) wanted).timestamp;
                long offset = consumer.offsetsForTimes(Map.of(lab.partition, time)).get(lab.partition).offset();
                consumer.seek(lab.partition, offset);
                Main.equal("first record", first(consumer), wanted);
            }
            long late = lab.samples.get(lab.samples.size() - 1).timestamp + 1;
            if (consumer.offsetsForTimes(Map.of(lab.partition, late)).get(lab.partition) != null)
                throw new AssertionError("an offset after the last record");
        }
    }

    static void listOffsets(Lab lab) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = reader(lab)) {
            long count = lab.samples.size();
            Main.equal("beginning", consumer.beginningOffsets(List.of(lab.partition)).get(lab.partition), 0L);
            Main.equal("end", consumer.endOffsets(List.of(lab.partition)).get(lab.partition), count);
            Main.equal("earliest", listed(lab, OffsetSpec.earliest()), 0L);
            Main.equal("latest", listed(lab, OffsetSpec.latest()), count);
            Main.equal("newest", listed(lab, OffsetSpec.maxTimestamp()), count - 1);
            Main.equal("local", listed(lab, OffsetSpec.earliestLocal()), 0L);
            Main.equal("at a time", listed(lab, OffsetSpec.forTimestamp(lab.samples.get(8).timestamp)), 8L);
        }
    }

    static long listed(Lab lab, OffsetSpec what) throws Exception {
        return Lab.await(lab.admin.listOffsets(Map.of(lab.partition, what)).partitionResult(lab.partition)).offset();
    }
}
