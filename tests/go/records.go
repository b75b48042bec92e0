package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The types of a record's timestamp, as its attributes say them.
const (
	createTime    = 0
	logAppendTime = 1
)

var recordChecks = []check{
	{"none", inCodec(kgo.NoCompression(), 0)},
	{"gzip", inCodec(kgo.GzipCompression(), 1)},
	{"snappy", inCodec(kgo.SnappyCompression(), 2)},
	{"lz4", inCodec(kgo.Lz4Compression(), 3)},
	{"zstd", inCodec(kgo.ZstdCompression(), 4)},
	{"headers", headers},
	{"nulls", nulls},
	{"megabyte", megabyte},
	{"create-time", createTimes},
	{"append-time", appendTimes},
}

// inCodec sends every kind of record in batches of a codec, and reads them back as sent, still in that codec.
func inCodec(codec kgo.CompressionCodec, id uint8) func(*lab) error {
	return func(l *lab) error {
		if err := l.create(1); err != nil {
			return err
		}
		if _, err := l.send(l.samples, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond)); err != nil {
			return err
		}
		records, err := l.read(len(l.samples), kgo.NewOffset().AtStart())
		if err != nil {
			return err
		}
		if err := expect("codec", records[0].Attrs.CompressionType(), id); err != nil {
			return err
		}
		return allSame(records, l.samples, 0)
	}
}

func headers(l *lab) error {
	return l.roundTrip(func(each sample) bool { return len(each.Headers) > 0 })
}

func nulls(l *lab) error {
	return l.roundTrip(func(each sample) bool { return each.Key == nil || each.Value == nil })
}

// roundTrip sends the samples of one kind and reads them back.
func (l *lab) roundTrip(wanted func(sample) bool) error {
	var some []sample
	for _, each := range l.samples {
		if wanted(each) {
			some = append(some, each)
		}
	}
	if len(some) < 3 {
		return fmt.Errorf("only %d samples of this kind", len(some))
	}
	if err := l.create(1); err != nil {
		return err
	}
	if _, err := l.send(some); err != nil {
		return err
	}
	records, err := l.read(len(some), kgo.NewOffset().AtStart())
	if err != nil {
		return err
	}
	return allSame(records, some, 0)
}

// megabyte reads with a limit far below the size of one record: the first one comes whole all the same.
func megabyte(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	large := []sample{l.large, l.large, l.large}
	options := []kgo.Opt{kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(1_048_588)}
	if _, err := l.send(large, options...); err != nil {
		return err
	}
	records, err := l.read(len(large), kgo.NewOffset().AtStart(), kgo.FetchMaxPartitionBytes(64<<10))
	if err != nil {
		return err
	}
	return allSame(records, large, 0)
}

func createTimes(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	records, err := l.timed()
	if err != nil {
		return err
	}
	for i, each := range records {
		if err := expect("type of timestamp", each.Attrs.TimestampType(), createTime); err != nil {
			return err
		}
		if err := expect("timestamp", each.Timestamp.UnixMilli(), l.samples[i].Timestamp); err != nil {
			return err
		}
	}
	return nil
}

func appendTimes(l *lab) error {
	if err := l.create(1, "message.timestamp.type", "LogAppendTime"); err != nil {
		return err
	}
	began := time.Now().Add(-time.Second)
	records, err := l.timed()
	if err != nil {
		return err
	}
	for _, each := range records {
		if err := expect("type of timestamp", each.Attrs.TimestampType(), logAppendTime); err != nil {
			return err
		}
		if each.Timestamp.Before(began) || each.Timestamp.After(time.Now().Add(time.Second)) {
			return fmt.Errorf("appended at %v", each.Timestamp)
		}
	}
	return nil
}

func (l *lab) timed() ([]*kgo.Record, error) {
	if _, err := l.send(l.samples); err != nil {
		return nil, err
	}
	return l.read(len(l.samples), kgo.NewOffset().AtStart())
}
