package checks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What cannot be, and the exceptions that say so. */
class Refusals {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();

    static {
        CHECKS.put("unknown-topic", lab -> Main.refused(
            UnknownTopicOrPartitionException.class, () -> Administration.describe(lab)));
        CHECKS.put("too-large", Refusals::tooLarge);
        CHECKS.put("out-of-range", Refusals::outOfRange);
        CHECKS.put("invalid-config", Refusals::invalidConfig);
        CHECKS.put("topic-exists", Refusals::topicExists);
        CHECKS.put("partition-count", Refusals::partitionCount);
    }

    /** The broker refuses it, and takes the next record. */
    static void tooLarge(Lab lab) throws Exception {
        lab.create(1, Map.of("max.message.bytes", "1000"));
        SampleFile.Sample large = new SampleFile.Sample();
        large.value = new byte[5000];
        large.headers = new ArrayList<>();
        Main.refused(RecordTooLargeException.class, () -> lab.send(List.of(large), Map.of()));
        Main.equal("offset of the next one", lab.send(lab.samples.subList(0, 1), Map.of()).get(0).offset(), 0L);
    }

    static void outOfRange(Lab lab) throws Exception {
        lab.fill();
        try (KafkaConsumer<byte[], byte[]> consumer = lab.consumer(Map.of())) {
            consumer.assign(List.of(lab.partition));
            consumer.seek(lab.partition, 100_000);
            Main.refused(OffsetOutOfRangeException.class, () -> {
                for (int i = 0; i < 100; i++)
                    consumer.poll(Duration.ofMillis(200));
            });
        }
    }

    static void invalidConfig(Lab lab) {
        for (Map<String, String> wrong : List.of(
                Map.of("retention.ms", "soon"), Map.of("no.such.setting", "1"), Map.of("cleanup.policy", "shred")))
            Main.refused(InvalidConfigurationException.class, () -> lab.create(1, wrong));
    }

    static void topicExists(Lab lab) throws Exception {
        lab.create(1);
        Main.refused(TopicExistsException.class, () -> lab.create(1));
    }

    /** None are too few, and there is no way back to fewer. */
    static void partitionCount(Lab lab) throws Exception {
        Main.refused(InvalidPartitionsException.class, () -> lab.create(0));
        lab.create(3);
        Main.refused(InvalidPartitionsException.class,
            () -> Lab.await(lab.admin.createPartitions(Map.of(lab.topic, NewPartitions.increaseTo(2))).all()));
    }
}
