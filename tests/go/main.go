// Command checks does real work on a Kafka node with franz-go and says of each check how it went.
//
//	checks BOOTSTRAP SAMPLES
//
// SAMPLES is a file of the records to send, as tests/conformance/programs.py writes it. Each check prints one line of
// JSON: its name, and what was wrong or null. The checks are those of tests/conformance/checks.py.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// limit is how long one check may take.
const limit = 30 * time.Second

// lab is what every check works with: the node, the records, a context that ends, and a topic name of the check's own.
type lab struct {
	context.Context
	bootstrap string
	samples   []sample
	large     sample
	topic     string
}

type check struct {
	name string
	work func(*lab) error
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: checks BOOTSTRAP SAMPLES")
		os.Exit(2)
	}
	samples, large, err := readSamples(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	all := [][]check{
		recordChecks, readingChecks, producingChecks, groupChecks, transactionChecks, adminChecks, errorChecks,
	}
	report := json.NewEncoder(os.Stdout)
	for _, theme := range all {
		for _, each := range theme {
			var problem *string
			if err := run(each, os.Args[1], samples, large); err != nil {
				text := err.Error()
				problem = &text
			}
			_ = report.Encode(map[string]any{"check": each.name, "problem": problem})
		}
	}
}

func run(each check, bootstrap string, samples []sample, large sample) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return each.work(&lab{ctx, bootstrap, samples, large, "franz-go-" + each.name})
}

// client connects with what every check wants, and more.
func (l *lab) client(options ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{
		kgo.SeedBrokers(l.bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.FetchMaxWait(200 * time.Millisecond),
	}
	return kgo.NewClient(append(base, options...)...)
}

// with runs work with an admin client.
func (l *lab) with(work func(*kadm.Client) error) error {
	client, err := l.client()
	if err != nil {
		return err
	}
	defer client.Close()
	return work(kadm.NewClient(client))
}

// create makes the check's topic; configs come in pairs of key and value.
func (l *lab) create(partitions int32, configs ...string) error {
	wanted := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		wanted[configs[i]] = &configs[i+1]
	}
	return l.with(func(admin *kadm.Client) error {
		_, err := admin.CreateTopic(l, partitions, 1, wanted, l.topic)
		return err
	})
}

// send produces to partition 0 and returns the offsets in the order of the samples.
func (l *lab) send(samples []sample, options ...kgo.Opt) ([]int64, error) {
	client, err := l.client(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	records := make([]*kgo.Record, len(samples))
	for i, each := range samples {
		records[i] = each.record(l.topic)
	}
	if err := client.ProduceSync(l, records...).FirstErr(); err != nil {
		return nil, err
	}
	offsets := make([]int64, len(records))
	for i, each := range records {
		offsets[i] = each.Offset
	}
	return offsets, nil
}

// read takes count records of partition 0 from an offset on.
func (l *lab) read(count int, from kgo.Offset, options ...kgo.Opt) ([]*kgo.Record, error) {
	places := map[string]map[int32]kgo.Offset{l.topic: {0: from}}
	client, err := l.client(append(options, kgo.ConsumePartitions(places))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []*kgo.Record
	for len(records) < count {
		fetches := client.PollFetches(l)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		records = append(records, fetches.Records()...)
	}
	return records, nil
}

// becomes asks until what is shown is right: a broker shows a change a moment after the controller agreed to it.
func (l *lab) becomes(ask func() error) error {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := ask(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// expect says what differs from what was wanted.
func expect[T comparable](what string, got, wanted T) error {
	if got != wanted {
		return fmt.Errorf("%s: %v instead of %v", what, got, wanted)
	}
	return nil
}

// refused says when an error is not the one that was wanted.
func refused(got, wanted error) error {
	if !errors.Is(got, wanted) {
		return fmt.Errorf("refused with %v instead of %v", got, wanted)
	}
	return nil
}
