package checks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Members of classic groups. */
class Groups {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();
    static final int PARTITIONS = 4;

    static {
        CHECKS.put("group-sharing", Groups::sharing);
        CHECKS.put("group-resume", Groups::resume);
        CHECKS.put("group-admin", Groups::administration);
    }

    /** A member of the check's group, subscribed. */
    static KafkaConsumer<byte[], byte[]> member(Lab lab) {
        KafkaConsumer<byte[], byte[]> consumer = lab.consumer(Map.of(
                "group.id", lab.topic,
                "auto.offset.reset", "earliest",
                "enable.auto.commit", false,
                "session.timeout.ms", 6000,
                "heartbeat.interval.ms", 300));
        consumer.subscribe(List.of(lab.topic));
        return consumer;
    }

    /** Records that say their number, spread over the partitions. */
    static void number(Lab lab, int from, int count) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = lab.producer(Map.of())) {
            for (int i = from; i < from + count; i++)
                producer.send(new ProducerRecord<>(lab.topic, i % PARTITIONS, null, String.valueOf(i).getBytes()));
            producer.flush();
        }
    }

    static List<Integer> numbers(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(each -> Integer.parseInt(new String(each.value()))).sorted().toList();
    }

    /** Poll all of them until what is hoped for is so. */
    static void until(List<KafkaConsumer<byte[], byte[]>> members, Hope hope) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Lab.SECONDS);
        while (!hope.holds()) {
            if (System.nanoTime() > end)
                throw new AssertionError("the members hold " + members.stream().map(KafkaConsumer::assignment).toList());
            members.forEach(each -> each.poll(Duration.ofMillis(50)));
        }
    }

    interface Hope {
        boolean holds();
    }

    static void sharing(Lab lab) throws Exception {
        lab.create(PARTITIONS);
        KafkaConsumer<byte[], byte[]> first = member(lab);
        KafkaConsumer<byte[], byte[]> second = member(lab);
        try (first) {
            try (second) {
                until(List.of(first, second), () -> first.assignment().size() == PARTITIONS / 2
                        && second.assignment().size() == PARTITIONS / 2);
                Set<TopicPartition> both = new HashSet<>(first.assignment());
                both.addAll(second.assignment());
                Main.equal("partitions of both", both.size(), PARTITIONS);
            }
            until(List.of(first), () -> first.assignment().size() == PARTITIONS);
        }
    }

    static void resume(Lab lab) throws Exception {
        lab.create(PARTITIONS);
        number(lab, 0, 40);
        try (KafkaConsumer<byte[], byte[]> member = member(lab)) {
            Main.equal("records", numbers(Lab.take(member, 40)).size(), 40);
            member.commitSync();
        }
        number(lab, 40, 8);
        try (KafkaConsumer<byte[], byte[]> member = member(lab)) {
            Main.equal("records", numbers(Lab.take(member, 8)), List.of(40, 41, 42, 43, 44, 45, 46, 47));
        }
    }

    static void administration(Lab lab) throws Exception {
        lab.create(PARTITIONS);
        number(lab, 0, 40);
        List<String> group = List.of(lab.topic);
        try (KafkaConsumer<byte[], byte[]> member = member(lab)) {
            Lab.take(member, 40);
            member.commitSync(Map.of(lab.partition, new OffsetAndMetadata(7, "so far")));
            var described = Lab.await(lab.admin.describeConsumerGroups(group).all()).get(lab.topic);
            Main.equal("state", described.groupState().toString(), "Stable");
            List<TopicPartition> held = new ArrayList<>();
            described.members().forEach(each -> held.addAll(each.assignment().topicPartitions()));
            Main.equal("partitions", held.size(), PARTITIONS);
        }
        boolean listed = Lab.await(lab.admin.listGroups().all()).stream()
                .anyMatch(each -> each.groupId().equals(lab.topic));
        Main.equal("listed", listed, true);
        var offsets = Lab.await(lab.admin.listConsumerGroupOffsets(lab.topic).partitionsToOffsetAndMetadata());
        Main.equal("offset", offsets.get(lab.partition), new OffsetAndMetadata(7, "so far"));
        Lab.await(lab.admin.deleteConsumerGroupOffsets(lab.topic, Set.of(lab.partition)).all());
        offsets = Lab.await(lab.admin.listConsumerGroupOffsets(lab.topic).partitionsToOffsetAndMetadata());
        Main.equal("offsets left", offsets.containsKey(lab.partition), false);
        Lab.await(lab.admin.deleteConsumerGroups(group).all());
    }
}
