package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var readingChecks = []check{
	{"seek-offset", seekOffset},
	{"seek-beginning", seekBeginning},
	{"seek-end", seekEnd},
	{"seek-time", seekTime},
	{"list-offsets", listOffsets},
}

// filled makes the topic and puts the samples into it, in compressed batches.
func (l *lab) filled() error {
	if err := l.create(1); err != nil {
		return err
	}
	_, err := l.send(l.samples, kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	return err
}

// firstAt is the offset of the first record that comes from a place.
func (l *lab) firstAt(place kgo.Offset) (int64, error) {
	records, err := l.read(1, place)
	if err != nil {
		return -1, err
	}
	return records[0].Offset, nil
}

func seekOffset(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	for _, wanted := range []int64{100, 3, int64(len(l.samples)) - 1} {
		first, err := l.firstAt(kgo.NewOffset().At(wanted))
		if err != nil {
			return err
		}
		if err := expect("first record", first, wanted); err != nil {
			return err
		}
	}
	return nil
}

// seekBeginning moves a client that reads already back to the first record.
func seekBeginning(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	places := map[string]map[int32]kgo.Offset{l.topic: {0: kgo.NewOffset().At(150)}}
	client, err := l.client(kgo.ConsumePartitions(places))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, wanted := range []int64{150, 0} {
		fetches := client.PollFetches(l)
		if err := fetches.Err(); err != nil {
			return err
		}
		if err := expect("first record", fetches.Records()[0].Offset, wanted); err != nil {
			return err
		}
		client.SetOffsets(map[string]map[int32]kgo.EpochOffset{l.topic: {0: {Epoch: -1, Offset: 0}}})
	}
	return nil
}

// seekEnd sees what is written after it, and nothing of before.
func seekEnd(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	end := int64(len(l.samples))
	first, err := l.firstAt(kgo.NewOffset().AtEnd().Relative(-1))
	if err != nil {
		return err
	}
	if err := expect("last record", first, end-1); err != nil {
		return err
	}
	if _, err := l.send(l.samples[:1]); err != nil {
		return err
	}
	first, err = l.firstAt(kgo.NewOffset().AtEnd().Relative(-1))
	if err != nil {
		return err
	}
	return expect("record after the end", first, end)
}

func seekTime(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	for _, wanted := range []int64{6, 8, 150} {
		first, err := l.firstAt(kgo.NewOffset().AfterMilli(l.samples[wanted].Timestamp))
		if err != nil {
			return err
		}
		if err := expect("first record", first, wanted); err != nil {
			return err
		}
	}
	return nil
}

func listOffsets(l *lab) error {
	if err := l.filled(); err != nil {
		return err
	}
	count := int64(len(l.samples))
	return l.with(func(admin *kadm.Client) error {
		for _, each := range []struct {
			what   string
			ask    func() (kadm.ListedOffsets, error)
			wanted int64
		}{
			{"start", func() (kadm.ListedOffsets, error) { return admin.ListStartOffsets(l, l.topic) }, 0},
			{"end", func() (kadm.ListedOffsets, error) { return admin.ListEndOffsets(l, l.topic) }, count},
			{"committed", func() (kadm.ListedOffsets, error) { return admin.ListCommittedOffsets(l, l.topic) }, count},
			{"newest", func() (kadm.ListedOffsets, error) { return admin.ListMaxTimestampOffsets(l, l.topic) }, count - 1},
			{"at a time", func() (kadm.ListedOffsets, error) {
				return admin.ListOffsetsAfterMilli(l, l.samples[8].Timestamp, l.topic)
			}, 8},
		} {
			listed, err := each.ask()
			if err != nil {
				return err
			}
			found, ok := listed.Lookup(l.topic, 0)
			if !ok || found.Err != nil {
				return fmt.Errorf("%s: not listed, %v", each.what, found.Err)
			}
			if err := expect(each.what, found.Offset, each.wanted); err != nil {
				return err
			}
		}
		return nil
	})
}
