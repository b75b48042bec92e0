package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// header is a pair of a name and base64, or null.
type header struct {
	Name  string  `json:"name"`
	Value *[]byte `json:"value"`
}

// sample is a record as the file has it: bytes in base64, timestamps in milliseconds.
type sample struct {
	Key       *[]byte  `json:"key"`
	Value     *[]byte  `json:"value"`
	Headers   []header `json:"headers"`
	Timestamp int64    `json:"timestamp"`
}

func readSamples(path string) (samples []sample, large sample, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, large, err
	}
	var content struct {
		Samples []sample `json:"samples"`
		Large   sample   `json:"large"`
	}
	err = json.Unmarshal(text, &content)
	return content.Samples, content.Large, err
}

func (s sample) record(topic string) *kgo.Record {
	record := &kgo.Record{
		Topic: topic, Key: plain(s.Key), Value: plain(s.Value), Timestamp: time.UnixMilli(s.Timestamp),
	}
	for _, each := range s.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: each.Name, Value: plain(each.Value)})
	}
	return record
}

// differs says in what a record is not what was sent, or nil.
func (s sample) differs(record *kgo.Record) error {
	if err := same("key", record.Key, plain(s.Key)); err != nil {
		return err
	}
	if err := same("value", record.Value, plain(s.Value)); err != nil {
		return err
	}
	if len(record.Headers) != len(s.Headers) {
		return fmt.Errorf("%d headers instead of %d", len(record.Headers), len(s.Headers))
	}
	for i, each := range s.Headers {
		if err := expect("header", record.Headers[i].Key, each.Name); err != nil {
			return err
		}
		if err := same("header "+each.Name, record.Headers[i].Value, plain(each.Value)); err != nil {
			return err
		}
	}
	return nil
}

// allSame compares records with what was sent, offsets from first on.
func allSame(records []*kgo.Record, samples []sample, first int64) error {
	if len(records) != len(samples) {
		return fmt.Errorf("%d records instead of %d", len(records), len(samples))
	}
	for i, each := range records {
		if err := samples[i].differs(each); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if err := expect("offset", each.Offset, first+int64(i)); err != nil {
			return err
		}
	}
	return nil
}

func plain(data *[]byte) []byte {
	if data == nil {
		return nil
	}
	return *data
}

// same tells null from empty.
func same(what string, got, wanted []byte) error {
	if (got == nil) != (wanted == nil) || !bytes.Equal(got, wanted) {
		return fmt.Errorf("%s: %.40q instead of %.40q", what, got, wanted)
	}
	return nil
}
