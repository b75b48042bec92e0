package checks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What every check works with: the node, the records, and a topic of the check's own. */
class Lab implements AutoCloseable {
    static final long SECONDS = 20;

    final String bootstrap;
    final List<SampleFile.Sample> samples;
    final SampleFile.Sample large;
    final String topic;
    final TopicPartition partition;
    final Admin admin;

    Lab(String bootstrap, SampleFile file, String topic) {
        this.bootstrap = bootstrap;
        this.samples = file.samples;
        this.large = file.large;
        this.topic = topic;
        this.partition = new TopicPartition(topic, 0);
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    @Override
    public void close() {
        admin.close();
    }

    static <T> T await(Future<T> future) throws Exception {
        return future.get(SECONDS, TimeUnit.SECONDS);
    }

    void create(int partitions, Map<String, String> configs) throws Exception {
        NewTopic wanted = new NewTopic(topic, partitions, (short) 1).configs(configs);
        await(admin.createTopics(List.of(wanted)).all());
    }

    void create(int partitions) throws Exception {
        create(partitions, Map.of());
    }

    KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put("bootstrap.servers", bootstrap);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put("bootstrap.servers", bootstrap);
        all.putIfAbsent("auto.offset.reset", "none");
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Produce and wait; what each record was acknowledged with. */
    List<RecordMetadata> send(List<SampleFile.Sample> records, Map<String, Object> settings) throws Exception {
        List<RecordMetadata> acknowledged = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (SampleFile.Sample each : records)
                sent.add(producer.send(each.record(topic)));
            producer.flush();
            for (Future<RecordMetadata> each : sent)
                acknowledged.add(await(each));
        }
        return acknowledged;
    }

    /** The topic with the samples in it, in compressed batches. */
    void fill() throws Exception {
        create(1);
        send(samples, Map.of("compression.type", "zstd", "linger.ms", 5));
    }

    /** Take records from where the consumer stands. */
    static List<ConsumerRecord<byte[], byte[]>> take(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (records.size() < count && System.nanoTime() < end)
            consumer.poll(Duration.ofMillis(200)).forEach(records::add);
        if (records.size() < count)
            throw new AssertionError("only " + records.size() + " records came of " + count);
        return records;
    }

    List<ConsumerRecord<byte[], byte[]>> readAll(int count, Map<String, Object> settings) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings)) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            return take(consumer, count);
        }
    }
}
