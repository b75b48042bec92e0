package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var errorChecks = []check{
	{"unknown-topic", unknownTopic},
	{"too-large", tooLarge},
	{"out-of-range", outOfRange},
	{"invalid-config", invalidConfig},
	{"topic-exists", topicExists},
	{"partition-count", partitionCount},
}

func unknownTopic(l *lab) error {
	_, err := l.send(l.samples[:1], kgo.UnknownTopicRetries(1))
	return refused(err, kerr.UnknownTopicOrPartition)
}

// tooLarge is refused by the broker, and the next record is taken.
func tooLarge(l *lab) error {
	if err := l.create(1, "max.message.bytes", "1000"); err != nil {
		return err
	}
	value := make([]byte, 5000)
	options := []kgo.Opt{kgo.ProducerBatchCompression(kgo.NoCompression())}
	_, err := l.send([]sample{{Value: &value, Timestamp: l.samples[0].Timestamp}}, options...)
	if err := refused(err, kerr.MessageTooLarge); err != nil {
		return err
	}
	offsets, err := l.send(l.samples[:1], options...)
	if err != nil {
		return err
	}
	return expect("offset of the next one", offsets[0], 0)
}

func outOfRange(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	_, err := l.read(1, kgo.NewOffset().At(100_000), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	return refused(err, kerr.OffsetOutOfRange)
}

func invalidConfig(l *lab) error {
	for _, each := range [][]string{{"retention.ms", "soon"}, {"no.such.setting", "1"}, {"cleanup.policy", "shred"}} {
		if err := refused(l.create(1, each...), kerr.InvalidConfig); err != nil {
			return fmt.Errorf("%v: %w", each, err)
		}
	}
	return nil
}

func topicExists(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	return refused(l.create(1), kerr.TopicAlreadyExists)
}

// partitionCount: none are too few, and there is no way back to fewer.
func partitionCount(l *lab) error {
	if err := refused(l.create(0), kerr.InvalidPartitions); err != nil {
		return err
	}
	if err := l.create(3); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		responses, err := admin.UpdatePartitions(l, 2, l.topic)
		if err != nil {
			return err
		}
		return refused(responses[l.topic].Err, kerr.InvalidPartitions)
	})
}
