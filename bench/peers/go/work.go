package main

import (
	"fmt"
	"os"
	"strconv"
)

// Work is what to send, and to whom: the words that every driver of the benchmark gets.
type Work struct {
	nameServer string
	topic      string
	mode       string
	count      int
	warmUp     int
	window     int
	body       int
	batch      int
	threads    int
}

func workFrom(words []string) Work {
	values := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		values[words[i]] = words[i+1]
	}
	text := func(name, otherwise string) string {
		if value, given := values[name]; given {
			return value
		}
		return otherwise
	}
	number := func(name string, otherwise int) int {
		number, err := strconv.Atoi(text(name, strconv.Itoa(otherwise)))
		if err != nil {
			fail(fmt.Errorf("%s: %w", name, err))
		}
		return number
	}
	count := number("--count", 20_000)
	return Work{
		nameServer: text("--name-server", ""),
		topic:      text("--topic", "bench"),
		mode:       text("--mode", "lone"),
		count:      count,
		warmUp:     number("--warm-up", count/10),
		window:     number("--window", 1_024),
		body:       number("--body", 256),
		batch:      number("--batch", 32),
		threads:    number("--threads", 64),
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
