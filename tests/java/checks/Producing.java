package checks;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** Acknowledgements, order, many at once. */
class Producing {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();

    static {
        for (String acks : List.of("0", "1", "all"))
            CHECKS.put("acks-" + acks, lab -> acknowledged(lab, acks));
        CHECKS.put("idempotent", Producing::idempotent);
        CHECKS.put("concurrent", Producing::concurrent);
        CHECKS.put("many-partitions", Producing::manyPartitions);
    }

    static void acknowledged(Lab lab, String acks) throws Exception {
        lab.create(1);
        List<SampleFile.Sample> some = lab.samples.subList(0, 20);
        List<RecordMetadata> told = lab.send(some, Map.of("acks", acks, "enable.idempotence", false));
        for (int i = 0; i < told.size(); i++)
            Main.equal("acknowledged offset", told.get(i).offset(), acks.equals("0") ? -1L : (long) i);
        SampleFile.allSame(lab.readAll(some.size(), Map.of()), some, 0);
    }

    /** Send records that say their own number, to the partitions in turn. */
    static void number(Lab lab, int from, int count, int partitions, Map<String, Object> settings) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = lab.producer(settings)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = from; i < from + count; i++) {
                byte[] value = Integer.toString(i).getBytes(StandardCharsets.UTF_8);
                sent.add(producer.send(new ProducerRecord<>(lab.topic, i % partitions, null, value)));
            }
            producer.flush();
            for (Future<RecordMetadata> each : sent)
                Lab.await(each);
        }
    }

    static int value(ConsumerRecord<byte[], byte[]> record) {
        return Integer.parseInt(new String(record.value(), StandardCharsets.UTF_8));
    }

    /** Small batches, five requests on the way at once: all arrive once and in order. */
    static void idempotent(Lab lab) throws Exception {
        lab.create(1);
        number(lab, 0, 2000, 1, Map.of(
            "enable.idempotence", true, "max.in.flight.requests.per.connection", 5, "batch.size", 500));
        List<ConsumerRecord<byte[], byte[]>> records = lab.readAll(2000, Map.of());
        for (int i = 0; i < records.size(); i++)
            Main.equal("record", value(records.get(i)), i);
        Main.equal("number of records", records.size(), 2000);
    }

    /** Four producers write into one partition: nothing is lost, and each one's order holds. */
    static void concurrent(Lab lab) throws Exception {
        lab.create(1);
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int each = 0; each < 4; each++) {
            int from = each * 500;
            all.add(CompletableFuture.runAsync(() -> {
                try {
                    number(lab, from, 500, 1, Map.of());
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        for (CompletableFuture<Void> each : all)
            Lab.await(each);
        int[] next = new int[4];
        for (ConsumerRecord<byte[], byte[]> each : lab.readAll(2000, Map.of())) {
            Main.equal("order of a producer", value(each) % 500, next[value(each) / 500]);
            next[value(each) / 500]++;
        }
    }

    static void manyPartitions(Lab lab) throws Exception {
        int partitions = 200;
        lab.create(partitions);
        number(lab, 0, 2 * partitions, partitions, Map.of());
        try (KafkaConsumer<byte[], byte[]> consumer = lab.consumer(Map.of("auto.offset.reset", "earliest"))) {
            List<TopicPartition> all = new ArrayList<>();
            for (int i = 0; i < partitions; i++)
                all.add(new TopicPartition(lab.topic, i));
            consumer.assign(all);
            int[] seen = new int[partitions];
            for (ConsumerRecord<byte[], byte[]> each : Lab.take(consumer, 2 * partitions)) {
                Main.equal("record", value(each), each.partition() + partitions * seen[each.partition()]);
                seen[each.partition()]++;
            }
        }
    }
}
