import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidRegularExpression;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's own consumer in groups of the new protocol (KIP-848). Argument: the node's address. Each check prints a line: its
 * name, a tab, and what was wrong or "ok". The checks are those of tests/conformance/test_java_consumer_groups.py.
 */
public class Consumers {
    static final long SECONDS = 30;
    static final int PARTITIONS = 4;
    static String bootstrap;

    interface Check {
        void on(Group group) throws Exception;
    }

    interface Hope {
        boolean holds() throws Exception;
    }

    public static void main(String[] arguments) {
        bootstrap = arguments[0];
        Map<String, Check> checks = new TreeMap<>();
        checks.put("assignor", Consumers::assignor);
        checks.put("crossing", Consumers::crossing);
        checks.put("describing", Consumers::describing);
        checks.put("pattern", Consumers::pattern);
        checks.put("pattern-refused", Consumers::patternRefused);
        checks.put("resuming", Consumers::resuming);
        checks.put("sharing", Consumers::sharing);
        checks.put("static", Consumers::staticMember);
        checks.forEach((name, check) -> {
            String verdict = "ok";
            try (Group group = new Group(name)) {
                check.on(group);
            } catch (Exception | AssertionError problem) {
                verdict = problem + " at " + problem.getStackTrace()[0] + " " + problem.getStackTrace()[1];
            }
            System.out.println(name + "\t" + verdict.replace('\n', ' '));
        });
        System.exit(0);
    }

    /** A topic, a group, and the members of it that a check made. */
    static class Group implements AutoCloseable {
        final String topic;
        final String name;
        final Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
        final List<KafkaConsumer<String, String>> members = new ArrayList<>();
        final List<Integer> values = new ArrayList<>();

        Group(String check) {
            topic = "java-consumers-" + check;
            name = "java-consumers-" + check;
        }

        void create(String name) throws Exception {
            admin.createTopics(List.of(new NewTopic(name, PARTITIONS, (short) 1))).all().get();
        }

        void fill(int first, int count) {
            Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "linger.ms", 20);
            try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
                for (int number = first; number < first + count; number++)
                    producer.send(new ProducerRecord<>(topic, number % PARTITIONS, null, "" + number));
            }
        }

        KafkaConsumer<String, String> member(Object... settings) {
            Map<String, Object> all = new HashMap<>();
            all.put("bootstrap.servers", bootstrap);
            all.put("group.id", name);
            all.put("group.protocol", "consumer");
            all.put("auto.offset.reset", "earliest");
            all.put("auto.commit.interval.ms", 100);
            all.put("metadata.max.age.ms", 1000);
            for (int at = 0; at < settings.length; at += 2)
                all.put((String) settings[at], settings[at + 1]);
            var consumer = new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer());
            members.add(consumer);
            return consumer;
        }

        KafkaConsumer<String, String> subscribed(Object... settings) {
            var consumer = member(settings);
            consumer.subscribe(List.of(topic));
            return consumer;
        }

        KafkaConsumer<String, String> classic() {
            return subscribed("group.protocol", "classic", "session.timeout.ms", 6000, "heartbeat.interval.ms", 300,
                "partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
        }

        void leave(KafkaConsumer<String, String> member) {
            members.remove(member);
            member.close();
        }

        /** Poll all members until what is hoped for is so; what they read goes to `values`. */
        void until(Hope hope) throws Exception {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            while (!hope.holds()) {
                if (System.nanoTime() > end)
                    throw new AssertionError("the members hold " + members.stream().map(KafkaConsumer::assignment).toList()
                        + " and have read " + values.size());
                for (var each : members)
                    for (ConsumerRecord<String, String> record : each.poll(Duration.ofMillis(50)))
                        values.add(Integer.parseInt(record.value()));
            }
        }

        /** Whether all partitions of the topic are with the members, each with as many as the others. */
        boolean shared() {
            Set<TopicPartition> together = new HashSet<>();
            int sum = 0;
            for (var each : members) {
                together.addAll(each.assignment());
                sum += each.assignment().size();
                if (each.assignment().size() < PARTITIONS / members.size())
                    return false;
            }
            return together.size() == PARTITIONS && sum == PARTITIONS;
        }

        void hasRead(int count) {
            equal("values", new TreeSet<>(values).size(), count);
            equal("values, each once", values.size(), count);
        }

        ConsumerGroupDescription described() throws Exception {
            return admin.describeConsumerGroups(List.of(name)).all().get().get(name);
        }

        @Override
        public void close() {
            members.forEach(KafkaConsumer::close);
            admin.close();
        }
    }

    static void equal(String what, Object found, Object expected) {
        if (!found.equals(expected))
            throw new AssertionError(what + ": " + found + " instead of " + expected);
    }

    // -- the checks

    static void sharing(Group group) throws Exception {
        group.create(group.topic);
        group.fill(0, 100);
        var first = group.subscribed();
        group.until(() -> group.values.size() == 100);
        var second = group.subscribed();
        group.until(group::shared);
        group.fill(100, 100);
        group.until(() -> group.values.size() >= 200);
        group.leave(first);
        group.until(() -> second.assignment().size() == PARTITIONS);
        group.hasRead(200);
    }

    static void resuming(Group group) throws Exception {
        group.create(group.topic);
        group.fill(0, 40);
        var first = group.subscribed("enable.auto.commit", false);
        group.until(() -> group.values.size() == 40);
        first.commitSync();
        group.leave(first);
        group.fill(40, 8);
        group.subscribed();
        group.until(() -> group.values.size() >= 48);
        group.hasRead(48);
    }

    static void pattern(Group group) throws Exception {
        group.create(group.topic + ".a");
        group.create("not-" + group.topic + ".a");
        var member = group.member();
        member.subscribe(new SubscriptionPattern(group.topic + "\\.[ab]"));
        group.until(() -> member.assignment().size() == PARTITIONS);
        group.create(group.topic + ".b");
        group.create(group.topic + ".c");
        group.until(() -> member.assignment().size() == 2 * PARTITIONS);
        Set<String> topics = new TreeSet<>();
        member.assignment().forEach(each -> topics.add(each.topic()));
        equal("topics", topics, Set.of(group.topic + ".a", group.topic + ".b"));
        member.subscribe(new SubscriptionPattern(group.topic + "\\.c"));
        group.until(() -> member.assignment().stream().allMatch(each -> each.topic().endsWith(".c"))
            && member.assignment().size() == PARTITIONS);
    }

    static void patternRefused(Group group) throws Exception {
        var member = group.member();
        member.subscribe(new SubscriptionPattern("(unclosed"));
        try {
            group.until(() -> false);
        } catch (InvalidRegularExpression expected) {
            return;
        }
        throw new AssertionError("the pattern was taken");
    }

    static void assignor(Group group) throws Exception {
        group.create(group.topic);
        group.subscribed("group.remote.assignor", "range");
        group.subscribed("group.remote.assignor", "range");
        group.until(group::shared);
        for (var each : group.members) {
            TreeSet<Integer> indexes = new TreeSet<>();
            each.assignment().forEach(place -> indexes.add(place.partition()));
            equal("a run of neighbours", indexes.last() - indexes.first(), 1);
        }
        equal("assignor", group.described().partitionAssignor(), "range");
    }

    static void staticMember(Group group) throws Exception {
        group.create(group.topic);
        group.subscribed();
        var second = group.subscribed("group.instance.id", "desk");
        group.until(group::shared);
        Set<TopicPartition> had = second.assignment();
        group.leave(second);
        var again = group.subscribed("group.instance.id", "desk");
        group.until(() -> again.assignment().equals(had));
        group.until(group::shared);
    }

    static void describing(Group group) throws Exception {
        group.create(group.topic);
        group.fill(0, 4);
        group.subscribed("client.id", "reader", "group.instance.id", "desk");
        group.until(() -> group.values.size() == 4 && group.shared());
        ConsumerGroupDescription described = group.described();
        equal("type", described.type(), GroupType.CONSUMER);
        equal("state", described.groupState().toString(), "Stable");
        equal("epoch", described.groupEpoch().get(), described.targetAssignmentEpoch().get());
        MemberDescription member = described.members().iterator().next();
        equal("instance id", member.groupInstanceId().get(), "desk");
        equal("client id", member.clientId(), "reader");
        equal("member epoch", member.memberEpoch().get(), described.groupEpoch().get());
        equal("upgraded", member.upgraded().get(), true);
        equal("assignment", member.assignment().topicPartitions().size(), PARTITIONS);
        equal("target", member.targetAssignment().get(), member.assignment());
        boolean listed = group.admin.listGroups().all().get().stream().anyMatch(each ->
            each.groupId().equals(group.name) && each.type().get() == GroupType.CONSUMER);
        equal("listed", listed, true);
        TopicPartition place = new TopicPartition(group.topic, 0);
        try {
            var offsets = Map.of(place, new OffsetAndMetadata(1));
            group.admin.alterConsumerGroupOffsets(group.name, offsets).all().get();
            throw new AssertionError("offsets of a group with members were altered");
        } catch (ExecutionException refused) {
            equal("refusal", refused.getCause().getClass().getSimpleName(), "UnknownMemberIdException");
        }
    }

    /** A live group goes from the classic protocol to the new one and back; nobody misses or repeats a record. */
    static void crossing(Group group) throws Exception {
        group.create(group.topic);
        group.classic();
        group.classic();
        group.until(group::shared);
        equal("type", group.described().type(), GroupType.CLASSIC);
        group.fill(0, 100);
        var modern = group.subscribed();
        var another = group.subscribed();
        group.until(group::shared);
        equal("type", group.described().type(), GroupType.CONSUMER);
        long upgraded = group.described().members().stream().filter(each -> each.upgraded().get()).count();
        equal("upgraded members", upgraded, 2L);
        group.fill(100, 100);
        group.until(() -> group.values.size() >= 200);
        group.leave(modern);
        group.until(() -> group.members.stream().mapToInt(each -> each.assignment().size()).sum() == PARTITIONS);
        equal("type", group.described().type(), GroupType.CONSUMER);
        group.leave(another);
        group.until(group::shared);
        equal("type", group.described().type(), GroupType.CLASSIC);
        group.fill(200, 100);
        group.until(() -> group.values.size() >= 300);
        group.hasRead(300);
    }
}
