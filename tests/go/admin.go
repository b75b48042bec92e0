package main

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var adminChecks = []check{
	{"create-topic", createTopic},
	{"describe-topic", describeTopic},
	{"alter-config", alterConfig},
	{"add-partitions", addPartitions},
	{"delete-records", deleteRecords},
	{"delete-topic", deleteTopic},
	{"describe-cluster", describeCluster},
	{"log-dirs", logDirs},
}

// config is what the topic's setting is now.
func (l *lab) config(admin *kadm.Client, key string) (string, error) {
	described, err := admin.DescribeTopicConfigs(l, l.topic)
	if err != nil {
		return "", err
	}
	topic, err := described.On(l.topic, nil)
	if err != nil {
		return "", err
	}
	if topic.Err != nil {
		return "", topic.Err
	}
	for _, each := range topic.Configs {
		if each.Key == key {
			return each.MaybeValue(), nil
		}
	}
	return "", fmt.Errorf("no setting %s", key)
}

func createTopic(l *lab) error {
	if err := l.create(3, "retention.ms", "1234567"); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		topics, err := admin.ListTopics(l)
		if err != nil {
			return err
		}
		if !topics.Has(l.topic) {
			return fmt.Errorf("%s is not listed", l.topic)
		}
		value, err := l.config(admin, "retention.ms")
		if err != nil {
			return err
		}
		return expect("retention.ms", value, "1234567")
	})
}

func describeTopic(l *lab) error {
	if err := l.create(3); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		topics, err := admin.ListTopics(l, l.topic)
		if err != nil {
			return err
		}
		topic := topics[l.topic]
		if topic.Err != nil {
			return topic.Err
		}
		if topic.ID == (kadm.TopicID{}) {
			return fmt.Errorf("the topic has no id")
		}
		for id, each := range topic.Partitions {
			shown := fmt.Sprint(each.Partition, each.Leader, each.Replicas, each.ISR)
			if err := expect("partition", shown, fmt.Sprint(id, 1, []int32{1}, []int32{1})); err != nil {
				return err
			}
		}
		return expect("partitions", len(topic.Partitions), 3)
	})
}

func alterConfig(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	value := "5000"
	return l.with(func(admin *kadm.Client) error {
		for _, each := range []struct {
			change kadm.AlterConfig
			wanted string
		}{
			{kadm.AlterConfig{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}, "5000"},
			{kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "max.message.bytes"}, "1048588"},
		} {
			responses, err := admin.AlterTopicConfigs(l, []kadm.AlterConfig{each.change}, l.topic)
			if err != nil {
				return err
			}
			if err := responses[0].Err; err != nil {
				return err
			}
			err = l.becomes(func() error {
				got, err := l.config(admin, "max.message.bytes")
				if err != nil {
					return err
				}
				return expect("max.message.bytes", got, each.wanted)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func addPartitions(l *lab) error {
	if err := l.create(2); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		responses, err := admin.UpdatePartitions(l, 5, l.topic)
		if err != nil {
			return err
		}
		if err := responses.Error(); err != nil {
			return err
		}
		return l.becomes(func() error {
			topics, err := admin.ListTopics(l, l.topic)
			if err != nil {
				return err
			}
			return expect("partitions", len(topics[l.topic].Partitions), 5)
		})
	})
}

func deleteRecords(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		before := func(offset int64) (kadm.DeleteRecordsResponse, error) {
			offsets := kadm.Offsets{}
			offsets.AddOffset(l.topic, 0, offset, -1)
			responses, err := admin.DeleteRecords(l, offsets)
			if err != nil {
				return kadm.DeleteRecordsResponse{}, err
			}
			response, _ := responses.Lookup(l.topic, 0)
			return response, nil
		}
		response, err := before(7)
		if err != nil {
			return err
		}
		if response.Err != nil {
			return response.Err
		}
		if err := expect("low watermark", response.LowWatermark, 7); err != nil {
			return err
		}
		first, err := l.firstAt(kgo.NewOffset().AtStart())
		if err != nil {
			return err
		}
		if err := expect("first record", first, 7); err != nil {
			return err
		}
		response, err = before(100_000)
		if err != nil {
			return err
		}
		return refused(response.Err, kerr.OffsetOutOfRange)
	})
}

func deleteTopic(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		if _, err := admin.DeleteTopic(l, l.topic); err != nil {
			return err
		}
		err := l.becomes(func() error {
			topics, err := admin.ListTopics(l, l.topic)
			if err != nil {
				return err
			}
			return refused(topics[l.topic].Err, kerr.UnknownTopicOrPartition)
		})
		if err != nil {
			return err
		}
		_, err = admin.DeleteTopic(l, l.topic)
		return refused(err, kerr.UnknownTopicOrPartition)
	})
}

func describeCluster(l *lab) error {
	return l.with(func(admin *kadm.Client) error {
		cluster, err := admin.BrokerMetadata(l)
		if err != nil {
			return err
		}
		if err := expect("brokers", len(cluster.Brokers), 1); err != nil {
			return err
		}
		broker := cluster.Brokers[0]
		if err := expect("broker", fmt.Sprintf("%d %s:%d", broker.NodeID, broker.Host, broker.Port), "1 "+l.bootstrap); err != nil {
			return err
		}
		if err := expect("controller", cluster.Controller, 1); err != nil {
			return err
		}
		return expect("length of the cluster's id", len(cluster.Cluster), 22)
	})
}

func logDirs(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		topics := kadm.TopicsSet{}
		topics.Add(l.topic, 0)
		dirs, err := admin.DescribeBrokerLogDirs(l, 1, topics)
		if err != nil {
			return err
		}
		if err := dirs.Error(); err != nil {
			return err
		}
		found := ""
		dirs.EachPartition(func(each kadm.DescribedLogDirPartition) {
			if each.Topic == l.topic && each.Size > 1000 && !each.IsFuture {
				found = each.Dir
			}
		})
		if !strings.HasSuffix(found, "data") {
			return fmt.Errorf("the log is in %q", found)
		}
		return nil
	})
}
