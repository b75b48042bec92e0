import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRecordStateException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's own share consumer at work. Argument: the node's address. Each check prints a line: its name, a tab, and what
 * was wrong or "ok". The checks are those of tests/conformance/test_java_share_consumer.py.
 */
public class Sharing {
    static final long SECONDS = 20;
    static String bootstrap;

    interface Check {
        void on(Share share) throws Exception;
    }

    public static void main(String[] arguments) {
        bootstrap = arguments[0];
        Map<String, Check> checks = new TreeMap<>();
        checks.put("implicit", Sharing::implicit);
        checks.put("explicit", Sharing::explicit);
        checks.put("renew", Sharing::renew);
        checks.put("lock-timeout", Sharing::lockTimeout);
        checks.put("two-members", Sharing::twoMembers);
        checks.put("record-limit", Sharing::recordLimit);
        checks.put("commit-callback", Sharing::commitCallback);
        checks.put("wakes-for-new-records", Sharing::wakes);
        checks.forEach((name, check) -> {
            String verdict = "ok";
            try (Share share = new Share(name)) {
                check.on(share);
            } catch (Exception | AssertionError problem) {
                verdict = problem + " at " + problem.getStackTrace()[0];
            }
            System.out.println(name + "\t" + verdict.replace('\n', ' '));
        });
        System.exit(0);
    }

    /** A topic with records and a group that begins with the first of them. */
    static class Share implements AutoCloseable {
        final String topic;
        final String group;
        final Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap));

        Share(String name) {
            topic = "java-" + name;
            group = "java-sharers-" + name;
        }

        void create(int partitions, Map<String, String> configs) throws Exception {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
            Map<String, String> all = new HashMap<>(configs);
            all.put("share.auto.offset.reset", "earliest");
            Collection<AlterConfigOp> changes = new ArrayList<>();
            all.forEach((name, value) ->
                changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
            ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
            admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
        }

        void fill(int first, int count, int partitions) throws Exception {
            Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "linger.ms", 20);
            try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
                for (int number = first; number < first + count; number++)
                    producer.send(new ProducerRecord<>(topic, number % partitions, null, "" + number));
            }
        }

        KafkaShareConsumer<String, String> member(Object... settings) {
            Map<String, Object> all = new HashMap<>();
            all.put("bootstrap.servers", bootstrap);
            all.put("group.id", group);
            for (int at = 0; at < settings.length; at += 2)
                all.put((String) settings[at], settings[at + 1]);
            var consumer = new KafkaShareConsumer<>(all, new StringDeserializer(), new StringDeserializer());
            consumer.subscribe(List.of(topic));
            return consumer;
        }

        KafkaShareConsumer<String, String> explicit(Object... settings) {
            Object[] all = new Object[settings.length + 2];
            System.arraycopy(settings, 0, all, 2, settings.length);
            all[0] = "share.acknowledgement.mode";
            all[1] = "explicit";
            return member(all);
        }

        @Override
        public void close() {
            admin.close();
        }
    }

    // -- the checks

    static void implicit(Share share) throws Exception {
        share.create(3, Map.of());
        share.fill(0, 300, 3);
        TreeSet<Integer> seen = new TreeSet<>();
        try (var consumer = share.member()) {
            for (var record : gather(consumer, 300))
                check(seen.add(Integer.parseInt(record.value())), "delivered twice: " + record.value());
            kept(consumer.commitSync());
        }
        share.fill(300, 3, 3);
        try (var consumer = share.member()) {
            for (var record : gather(consumer, 3))
                check(Integer.parseInt(record.value()) >= 300, "delivered again: " + record.value());
        }
    }

    static void explicit(Share share) throws Exception {
        share.create(1, Map.of());
        share.fill(0, 9, 1);
        try (var consumer = share.explicit()) {
            for (var record : gather(consumer, 9)) {
                check(record.deliveryCount().equals(Optional.of((short) 1)), "first delivery: " + record.deliveryCount());
                consumer.acknowledge(record, switch (Integer.parseInt(record.value()) % 3) {
                    case 0 -> AcknowledgeType.ACCEPT;
                    case 1 -> AcknowledgeType.RELEASE;
                    default -> AcknowledgeType.REJECT;
                });
            }
            kept(consumer.commitSync());
            for (var record : gather(consumer, 3)) {
                check(Integer.parseInt(record.value()) % 3 == 1, "not released: " + record.value());
                check(record.deliveryCount().equals(Optional.of((short) 2)), "second delivery: " + record.deliveryCount());
                consumer.acknowledge(record);
            }
            kept(consumer.commitSync());
            check(consumer.poll(Duration.ofSeconds(1)).isEmpty(), "something came again");
        }
    }

    static void renew(Share share) throws Exception {
        share.create(1, Map.of("share.record.lock.duration.ms", "2000"));
        share.fill(0, 1, 1);
        try (var consumer = share.explicit(); var other = share.explicit()) {
            var record = gather(consumer, 1).get(0);
            check(consumer.acquisitionLockTimeoutMs().equals(Optional.of(2000)), "the lock lasts " + consumer.acquisitionLockTimeoutMs());
            for (int time = 0; time < 4; time++) {
                check(other.poll(Duration.ofMillis(800)).isEmpty(), "somebody else got it");
                consumer.acknowledge(record, AcknowledgeType.RENEW);
                kept(consumer.commitSync());
                consumer.poll(Duration.ofMillis(1));
            }
            consumer.acknowledge(record, AcknowledgeType.ACCEPT);
            kept(consumer.commitSync());
            check(other.poll(Duration.ofSeconds(3)).isEmpty(), "it came again");
        }
    }

    static void lockTimeout(Share share) throws Exception {
        share.create(1, Map.of("share.record.lock.duration.ms", "1000"));
        share.fill(0, 2, 1);
        try (var slow = share.explicit(); var quick = share.explicit()) {
            var held = gather(slow, 2);
            var again = gather(quick, 2);
            held.forEach(slow::acknowledge);
            for (Optional<KafkaException> problem : slow.commitSync().values())
                check(problem.isPresent() && problem.get() instanceof InvalidRecordStateException, "the lock had ended: " + problem);
            again.forEach(quick::acknowledge);
            kept(quick.commitSync());
        }
    }

    static void twoMembers(Share share) throws Exception {
        share.create(2, Map.of());
        TreeSet<Integer> seen = new TreeSet<>();
        try (var one = share.member(); var other = share.member()) {
            one.poll(Duration.ofSeconds(1));
            other.poll(Duration.ofSeconds(1));
            share.fill(0, 400, 2);
            long end = System.nanoTime() + SECONDS * 1_000_000_000L;
            while (seen.size() < 400) {
                check(System.nanoTime() < end, "only " + seen.size() + " came");
                for (var consumer : List.of(one, other))
                    for (var record : consumer.poll(Duration.ofMillis(200)))
                        check(seen.add(Integer.parseInt(record.value())), "delivered twice: " + record.value());
            }
        }
    }

    static void recordLimit(Share share) throws Exception {
        share.create(1, Map.of());
        share.fill(0, 50, 1);
        try (var consumer = share.member("share.acquire.mode", "record_limit", "max.poll.records", 7)) {
            int count = 0;
            long end = System.nanoTime() + SECONDS * 1_000_000_000L;
            while (count < 50) {
                check(System.nanoTime() < end, "only " + count + " came");
                int came = consumer.poll(Duration.ofMillis(500)).count();
                check(came <= 7, came + " came at once");
                count += came;
            }
        }
    }

    static void commitCallback(Share share) throws Exception {
        share.create(1, Map.of());
        share.fill(0, 5, 1);
        TreeMap<Long, Exception> told = new TreeMap<>();
        try (var consumer = share.member()) {
            consumer.setAcknowledgementCommitCallback((offsets, problem) -> offsets.values().forEach(each ->
                each.forEach(offset -> told.put(offset, problem))));
            gather(consumer, 5);
            consumer.commitAsync();
            long end = System.nanoTime() + SECONDS * 1_000_000_000L;
            while (told.size() < 5) {
                check(System.nanoTime() < end, "told of " + told);
                consumer.poll(Duration.ofMillis(100));
            }
            check(told.values().stream().allMatch(each -> each == null), "told of " + told);
        }
    }

    static void wakes(Share share) throws Exception {
        share.create(1, Map.of());
        try (var consumer = share.member("fetch.max.wait.ms", 20_000)) {
            consumer.poll(Duration.ofSeconds(2));
            long slowest = 0;
            for (int number = 0; number < 5; number++) {
                long began = System.nanoTime();
                share.fill(number, 1, 1);
                gather(consumer, 1);
                slowest = Math.max(slowest, System.nanoTime() - began);
            }
            check(slowest < 10_000_000_000L, "the slowest took " + slowest / 1_000_000 + " ms");
        }
    }

    // -- means

    static List<ConsumerRecord<String, String>> gather(KafkaShareConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> found = new ArrayList<>();
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        while (found.size() < count) {
            check(System.nanoTime() < end, "only " + found.size() + " of " + count + " came");
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
            records.forEach(found::add);
        }
        check(found.size() == count, found.size() + " came, not " + count);
        return found;
    }

    static void kept(Map<TopicIdPartition, Optional<KafkaException>> outcome) {
        outcome.forEach((partition, problem) -> check(problem.isEmpty(), partition + ": " + problem));
    }

    static void check(boolean right, String problem) {
        if (!right)
            throw new AssertionError(problem);
    }
}
