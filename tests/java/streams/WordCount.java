package streams;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts words, exactly: a Kafka Streams application with a repartition topic and a store, in the streams protocol (KIP-1071).
 *
 * Arguments: the node's address, the application id, the topic to read, the topic to write, a directory, and the endpoint
 * it says it answers queries at. Every change of state is printed, and all the time how many tasks it has. It ends
 * in good order when its standard input ends.
 */
public class WordCount {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
        settings.put(StreamsConfig.APPLICATION_SERVER_CONFIG, arguments[5]);
        settings.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, "streams");
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
        settings.put(StreamsConfig.producerPrefix("transaction.timeout.ms"), 10_000);

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments[2], Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(line -> Arrays.asList(line.toLowerCase(Locale.ROOT).split(" ")))
                .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
                .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
                        .withKeySerde(Serdes.String())
                        .withValueSerde(Serdes.Long()))
                .toStream()
                .mapValues(count -> Long.toString(count))
                .to(arguments[3], Produced.with(Serdes.String(), Serdes.String()));

        CountDownLatch ended = new CountDownLatch(1);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setStateListener((now, before) -> {
            System.out.println("state " + now);
            if (!now.isRunningOrRebalancing())
                ended.countDown();
        });
        Thread reader = new Thread(() -> {
            try {
                while (System.in.read() >= 0)
                    continue;
            } catch (java.io.IOException problem) {
                System.out.println("input " + problem);
            }
            boolean closed = streams.close(Duration.ofSeconds(20));
            System.out.println("closed " + closed);
            System.exit(closed ? 0 : 1);
        });
        reader.setDaemon(true);
        streams.start();
        reader.start();
        while (!ended.await(500, TimeUnit.MILLISECONDS))
            tell(streams);
        // Whoever closes it in good order says with which code the program ends.
        Thread.sleep(30_000);
        System.exit(2);
    }
    private static void tell(KafkaStreams streams) {
        try {
            int active = streams.metadataForLocalThreads().stream().mapToInt(each -> each.activeTasks().size()).sum();
            int standby = streams.metadataForLocalThreads().stream().mapToInt(each -> each.standbyTasks().size()).sum();
            int clients = streams.metadataForAllStreamsClients().size();
            System.out.println("tasks " + active + " standbys " + standby + " clients " + clients);
        } catch (IllegalStateException closing) {
            System.out.println("nothing to tell: " + closing.getMessage());
        }
    }
}
