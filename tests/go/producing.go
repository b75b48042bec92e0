package main

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

var producingChecks = []check{
	{"acks-0", withAcks(kgo.NoAck())},
	{"acks-1", withAcks(kgo.LeaderAck())},
	{"acks-all", withAcks(kgo.AllISRAcks())},
	{"idempotent", idempotent},
	{"concurrent", concurrent},
	{"many-partitions", manyPartitions},
}

func withAcks(acks kgo.Acks) func(*lab) error {
	return func(l *lab) error {
		if err := l.create(1); err != nil {
			return err
		}
		some := l.samples[:20]
		if _, err := l.send(some, kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite()); err != nil {
			return err
		}
		records, err := l.read(len(some), kgo.NewOffset().AtStart())
		if err != nil {
			return err
		}
		return allSame(records, some, 0)
	}
}

// numbered are records that say their own number.
func numbered(topic string, from, count int) []*kgo.Record {
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d", from+i)}
	}
	return records
}

// idempotent sends small batches, several requests on the way at once: all arrive once and in order.
func idempotent(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	const count = 2000
	client, err := l.client(kgo.ProducerBatchMaxBytes(1 << 10))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.ProduceSync(l, numbered(l.topic, 0, count)...).FirstErr(); err != nil {
		return err
	}
	records, err := l.read(count, kgo.NewOffset().AtStart())
	if err != nil {
		return err
	}
	for i, each := range records {
		if err := expect("record", string(each.Value), fmt.Sprint(i)); err != nil {
			return err
		}
		if each.ProducerID < 0 {
			return fmt.Errorf("record %d has no producer id", i)
		}
	}
	return expect("records", len(records), count)
}

// concurrent lets four producers write into one partition: nothing is lost, and each one's order holds.
func concurrent(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	const producers, count = 4, 500
	failures := make([]error, producers)
	var all sync.WaitGroup
	for number := range producers {
		all.Go(func() {
			client, err := l.client()
			if err == nil {
				err = client.ProduceSync(l, numbered(l.topic, number*count, count)...).FirstErr()
				client.Close()
			}
			failures[number] = err
		})
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	records, err := l.read(producers*count, kgo.NewOffset().AtStart())
	if err != nil {
		return err
	}
	var next [producers]int
	for _, each := range records {
		var value int
		if _, err := fmt.Sscan(string(each.Value), &value); err != nil {
			return err
		}
		if err := expect("order of a producer", value%count, next[value/count]); err != nil {
			return err
		}
		next[value/count]++
	}
	return expect("records of each", next, [producers]int{count, count, count, count})
}

func manyPartitions(l *lab) error {
	const partitions = 200
	if err := l.create(partitions); err != nil {
		return err
	}
	client, err := l.client(kgo.ConsumeTopics(l.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	records := numbered(l.topic, 0, 2*partitions)
	for i, each := range records {
		each.Partition = int32(i % partitions)
	}
	if err := client.ProduceSync(l, records...).FirstErr(); err != nil {
		return err
	}
	seen := map[int32]int{}
	for total := 0; total < 2*partitions; {
		fetches := client.PollFetches(l)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, each := range fetches.Records() {
			if err := expect("record", string(each.Value), fmt.Sprint(int(each.Partition)+seen[each.Partition]*partitions)); err != nil {
				return err
			}
			seen[each.Partition]++
			total++
		}
	}
	return expect("partitions", len(seen), partitions)
}
