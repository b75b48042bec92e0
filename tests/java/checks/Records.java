package checks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.record.TimestampType;

/** Every kind of record comes back as sent. */
class Records {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();

    static {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
            CHECKS.put(codec, lab -> roundTrip(lab, codec, any -> true));
        CHECKS.put("headers", lab -> roundTrip(lab, "none", each -> !each.headers.isEmpty()));
        CHECKS.put("nulls", lab -> roundTrip(lab, "none", each -> each.key == null || each.value == null));
        CHECKS.put("megabyte", Records::megabyte);
        CHECKS.put("create-time", Records::createTime);
        CHECKS.put("append-time", Records::appendTime);
    }

    static void roundTrip(Lab lab, String codec, Predicate<SampleFile.Sample> kind) throws Exception {
        List<SampleFile.Sample> some = lab.samples.stream().filter(kind).toList();
        if (some.size() < 3)
            throw new AssertionError("only " + some.size() + " samples of this kind");
        lab.create(1);
        lab.send(some, Map.of("compression.type", codec, "linger.ms", 5));
        SampleFile.allSame(lab.readAll(some.size(), Map.of("check.crcs", true)), some, 0);
    }

    /** Reads with a limit far below the size of one record: the first one comes whole all the same. */
    static void megabyte(Lab lab) throws Exception {
        List<SampleFile.Sample> large = List.of(lab.large, lab.large, lab.large);
        lab.create(1);
        lab.send(large, Map.of());
        SampleFile.allSame(lab.readAll(3, Map.of("max.partition.fetch.bytes", 65_536)), large, 0);
    }

    static void createTime(Lab lab) throws Exception {
        lab.create(1);
        lab.send(lab.samples, Map.of());
        List<ConsumerRecord<byte[], byte[]>> records = lab.readAll(lab.samples.size(), Map.of());
        for (int i = 0; i < records.size(); i++) {
            Main.equal("type of timestamp", records.get(i).timestampType(), TimestampType.CREATE_TIME);
            Main.equal("timestamp", records.get(i).timestamp(), lab.samples.get(i).timestamp);
        }
    }

    static void appendTime(Lab lab) throws Exception {
        lab.create(1, Map.of("message.timestamp.type", "LogAppendTime"));
        long began = System.currentTimeMillis() - 1000;
        lab.send(lab.samples, Map.of("compression.type", "gzip"));
        for (ConsumerRecord<byte[], byte[]> each : lab.readAll(lab.samples.size(), Map.of())) {
            Main.equal("type of timestamp", each.timestampType(), TimestampType.LOG_APPEND_TIME);
            if (each.timestamp() < began || each.timestamp() > System.currentTimeMillis() + 1000)
                throw new AssertionError("appended at " + each.timestamp());
        }
    }
}
