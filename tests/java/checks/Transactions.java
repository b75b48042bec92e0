package checks;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;

/** What is committed counts, and nothing else. */
class Transactions {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();

    static {
        CHECKS.put("committed", Transactions::committed);
        CHECKS.put("transactional-offsets", Transactions::offsets);
        CHECKS.put("producer-fencing", Transactions::fencing);
    }

    static KafkaProducer<byte[], byte[]> producer(Lab lab) {
        KafkaProducer<byte[], byte[]> producer = lab.producer(new HashMap<>(Map.of("transactional.id", lab.topic)));
        producer.initTransactions();
        return producer;
    }

    static void send(Lab lab, KafkaProducer<byte[], byte[]> producer, String value) {
        producer.send(new ProducerRecord<>(lab.topic, 0, null, value.getBytes()));
    }

    static List<String> read(Lab lab, int count, String level) {
        return lab.readAll(count, Map.of("isolation.level", level)).stream()
                .map(each -> new String(each.value())).toList();
    }

    static void committed(Lab lab) throws Exception {
        lab.create(1);
        try (KafkaProducer<byte[], byte[]> producer = producer(lab)) {
            for (int i = 0; i < 10; i++) {
                producer.beginTransaction();
                send(lab, producer, String.valueOf(i));
                producer.flush();
                if (i % 2 == 0)
                    producer.commitTransaction();
                else
                    producer.abortTransaction();
            }
            producer.beginTransaction();
            send(lab, producer, "last");
            producer.commitTransaction();
        }
        Main.equal("committed", read(lab, 6, "read_committed"), List.of("0", "2", "4", "6", "8", "last"));
        Main.equal("all", read(lab, 11, "read_uncommitted").size(), 11);
    }

    static void offsets(Lab lab) throws Exception {
        lab.create(1);
        try (KafkaProducer<byte[], byte[]> producer = producer(lab);
                KafkaConsumer<byte[], byte[]> member = Groups.member(lab)) {
            send(lab, producer, 3, member, true);
            Main.equal("committed", committedOffset(lab), 3L);
            send(lab, producer, 5, member, false);
            Main.equal("aborted", committedOffset(lab), 3L);
        }
    }

    private static void send(
            Lab lab, KafkaProducer<byte[], byte[]> producer, long offset, KafkaConsumer<byte[], byte[]> member, boolean ends) {
        producer.beginTransaction();
        send(lab, producer, "read up to " + offset);
        Groups.until(List.of(member), () -> !member.assignment().isEmpty());
        producer.sendOffsetsToTransaction(Map.of(lab.partition, new OffsetAndMetadata(offset)), member.groupMetadata());
        if (ends)
            producer.commitTransaction();
        else
            producer.abortTransaction();
    }

    private static long committedOffset(Lab lab) throws Exception {
        return Lab.await(lab.admin.listConsumerGroupOffsets(lab.topic).partitionsToOffsetAndMetadata())
                .get(lab.partition).offset();
    }

    static void fencing(Lab lab) throws Exception {
        lab.create(1);
        KafkaProducer<byte[], byte[]> old = producer(lab);
        old.beginTransaction();
        send(lab, old, "left open");
        old.flush();
        try (KafkaProducer<byte[], byte[]> fresh = producer(lab)) {
            fresh.beginTransaction();
            send(lab, fresh, "new");
            fresh.commitTransaction();
        }
        try {
            old.commitTransaction();
            throw new AssertionError("the old producer was not shut out");
        } catch (ProducerFencedException | InvalidProducerEpochException expected) {
            old.close();
        }
        Main.equal("committed", read(lab, 1, "read_committed"), List.of("new"));
    }
}
