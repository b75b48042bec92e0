package checks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The records to send: bytes in base64, timestamps in milliseconds. */
public class SampleFile {
    public List<Sample> samples;
    public Sample large;

    public static class Sample {
        public byte[] key;
        public byte[] value;
        public List<NameAndValue> headers;
        public long timestamp;

        ProducerRecord<byte[], byte[]> record(String topic) {
            List<Header> all = new ArrayList<>();
            for (NameAndValue each : headers)
                all.add(new RecordHeader(each.name, each.value));
            return new ProducerRecord<>(topic, 0, timestamp, key, value, all);
        }

        void same(ConsumerRecord<byte[], byte[]> got) {
            sameBytes("key", got.key(), key);
            sameBytes("value", got.value(), value);
            Header[] found = got.headers().toArray();
            Main.equal("number of headers", found.length, headers.size());
            for (int i = 0; i < found.length; i++) {
                Main.equal("header", found[i].key(), headers.get(i).name);
                sameBytes("header " + found[i].key(), found[i].value(), headers.get(i).value);
            }
        }
    }

    public static class NameAndValue {
        public String name;
        public byte[] value;
    }

    /** Null and empty are two things. */
    static void sameBytes(String what, byte[] got, byte[] wanted) {
        if (!Arrays.equals(got, wanted))
            throw new AssertionError(what + ": " + Arrays.toString(got) + " instead of " + Arrays.toString(wanted));
    }

    static void allSame(List<ConsumerRecord<byte[], byte[]>> records, List<Sample> samples, long first) {
        Main.equal("number of records", records.size(), samples.size());
        for (int i = 0; i < samples.size(); i++) {
            samples.get(i).same(records.get(i));
            Main.equal("offset", records.get(i).offset(), first + i);
        }
    }
}
