package checks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ReplicaInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What an administrator does. */
class Administration {
    static final Map<String, Main.Work> CHECKS = new LinkedHashMap<>();

    static {
        CHECKS.put("create-topic", Administration::createTopic);
        CHECKS.put("describe-topic", Administration::describeTopic);
        CHECKS.put("alter-config", Administration::alterConfig);
        CHECKS.put("add-partitions", Administration::addPartitions);
        CHECKS.put("delete-records", Administration::deleteRecords);
        CHECKS.put("delete-topic", Administration::deleteTopic);
        CHECKS.put("describe-cluster", Administration::describeCluster);
        CHECKS.put("log-dirs", Administration::logDirs);
    }

    static TopicDescription describe(Lab lab) throws Exception {
        return Lab.await(lab.admin.describeTopics(List.of(lab.topic)).allTopicNames()).get(lab.topic);
    }

    static String config(Lab lab, String key) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, lab.topic);
        return Lab.await(lab.admin.describeConfigs(List.of(topic)).all()).get(topic).get(key).value();
    }

    static void createTopic(Lab lab) throws Exception {
        lab.create(3, Map.of("retention.ms", "1234567"));
        Main.becomes(() -> Main.equal("listed", Lab.await(lab.admin.listTopics().names()).contains(lab.topic), true));
        Main.equal("retention.ms", config(lab, "retention.ms"), "1234567");
    }

    static void describeTopic(Lab lab) throws Exception {
        lab.create(3);
        TopicDescription topic = describe(lab);
        Main.equal("internal", topic.isInternal(), false);
        Main.equal("without id", topic.topicId().equals(Uuid.ZERO_UUID), false);
        Main.equal("partitions", topic.partitions().size(), 3);
        for (TopicPartitionInfo each : topic.partitions()) {
            Main.equal("leader", each.leader().id(), 1);
            Main.equal("replicas", each.replicas().stream().map(Node::id).toList(), List.of(1));
            Main.equal("in sync", each.isr().stream().map(Node::id).toList(), List.of(1));
        }
    }

    static void alterConfig(Lab lab) throws Exception {
        lab.create(1);
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, lab.topic);
        ConfigEntry entry = new ConfigEntry("max.message.bytes", "5000");
        AlterConfigOp set = new AlterConfigOp(entry, AlterConfigOp.OpType.SET);
        AlterConfigOp delete = new AlterConfigOp(entry, AlterConfigOp.OpType.DELETE);
        Lab.await(lab.admin.incrementalAlterConfigs(Map.of(topic, List.of(set))).all());
        Main.becomes(() -> Main.equal("max.message.bytes", config(lab, "max.message.bytes"), "5000"));
        Lab.await(lab.admin.incrementalAlterConfigs(Map.of(topic, List.of(delete))).all());
        Main.becomes(() -> Main.equal("max.message.bytes", config(lab, "max.message.bytes"), "1048588"));
    }

    static void addPartitions(Lab lab) throws Exception {
        lab.create(2);
        Lab.await(lab.admin.createPartitions(Map.of(lab.topic, NewPartitions.increaseTo(5))).all());
        Main.becomes(() -> Main.equal("partitions", describe(lab).partitions().size(), 5));
    }

    static void deleteRecords(Lab lab) throws Exception {
        lab.fill();
        Main.equal("low watermark", deleteBefore(lab, 7), 7L);
        Main.equal("first record", lab.readAll(1, Map.of()).get(0).offset(), 7L);
        Main.refused(OffsetOutOfRangeException.class, () -> deleteBefore(lab, 100_000));
    }

    static long deleteBefore(Lab lab, long offset) throws Exception {
        return Lab.await(lab.admin.deleteRecords(Map.of(lab.partition, RecordsToDelete.beforeOffset(offset)))
            .lowWatermarks().get(lab.partition)).lowWatermark();
    }

    static void deleteTopic(Lab lab) throws Exception {
        lab.create(1);
        Lab.await(lab.admin.deleteTopics(List.of(lab.topic)).all());
        Main.becomes(() -> Main.refused(UnknownTopicOrPartitionException.class, () -> describe(lab)));
        Main.refused(UnknownTopicOrPartitionException.class,
            () -> Lab.await(lab.admin.deleteTopics(List.of(lab.topic)).all()));
    }

    static void describeCluster(Lab lab) throws Exception {
        DescribeClusterResult cluster = lab.admin.describeCluster();
        Main.equal("brokers", Lab.await(cluster.nodes()).size(), 1);
        Node node = Lab.await(cluster.nodes()).iterator().next();
        Main.equal("broker", node.id() + " " + node.host() + ":" + node.port(), "1 " + lab.bootstrap);
        Main.equal("controller", Lab.await(cluster.controller()).id(), 1);
        Main.equal("length of the cluster's id", Lab.await(cluster.clusterId()).length(), 22);
    }

    static void logDirs(Lab lab) throws Exception {
        lab.fill();
        Map<String, LogDirDescription> all = Lab.await(lab.admin.describeLogDirs(Set.of(1)).allDescriptions()).get(1);
        Main.equal("directories", all.size(), 1);
        ReplicaInfo log = all.values().iterator().next().replicaInfos().get(lab.partition);
        if (log.size() < 1000 || log.offsetLag() != 0 || log.isFuture())
            throw new AssertionError("the log is " + log);
    }
}
