package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Section is a number of sends: clocks, and what became of each. Any goroutine may report.
type Section struct {
	start     time.Time
	usage     syscall.Rusage
	latencies []time.Duration
	completed []atomic.Bool
	succeeded atomic.Int64
	failed    atomic.Int64
	doubled   atomic.Int64

	seconds, user, system float64
	timed                 int
	threads               int
}

type latency struct {
	Samples int     `json:"samples"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	P999    float64 `json:"p999_us"`
	Max     float64 `json:"max_us"`
}

type outcome struct {
	Count         int      `json:"count"`
	WarmUp        int      `json:"warm_up"`
	Succeeded     int64    `json:"succeeded"`
	Failed        int64    `json:"failed"`
	Doubled       int64    `json:"doubled"`
	Seconds       float64  `json:"seconds"`
	UserSeconds   float64  `json:"user_seconds"`
	SystemSeconds float64  `json:"system_seconds"`
	Latency       *latency `json:"latency"`
	SlowestThread *float64 `json:"slowest_thread,omitempty"`
	PeakRSS       int64    `json:"peak_rss_kib"`
	Threads       int      `json:"threads"`
}

func startSection(sends int) *Section {
	section := &Section{latencies: make([]time.Duration, sends), completed: make([]atomic.Bool, sends)}
	section.usage = usage()
	section.start = time.Now()
	return section
}

// report says what became of a send, and when it was begun.
func (s *Section) report(send, messages int, sentAt time.Time, err error) {
	s.latencies[send] = time.Since(sentAt)
	s.count(send, messages, err)
}

// count does the same for a send that has no answer, and so no latency.
func (s *Section) count(send, messages int, err error) {
	switch {
	case s.completed[send].Swap(true):
		s.doubled.Add(int64(messages))
	case err == nil:
		s.succeeded.Add(int64(messages))
	default:
		if s.failed.Add(int64(messages)) == int64(messages) {
			fmt.Fprintln(os.Stderr, "send:", err)
		}
	}
}

// stop ends the section; its first `timed` sends have latencies.
func (s *Section) stop(timed int) {
	s.seconds = time.Since(s.start).Seconds()
	now := usage()
	s.user = seconds(now.Utime) - seconds(s.usage.Utime)
	s.system = seconds(now.Stime) - seconds(s.usage.Stime)
	s.usage = now
	s.timed = timed
	s.threads = threads()
}

// print writes the outcome as the harness reads it; slowest is nil where there is one sender.
func (s *Section) print(work Work, slowest *float64) {
	line, err := json.Marshal(outcome{
		Count:         work.count,
		WarmUp:        work.warmUp,
		Succeeded:     s.succeeded.Load(),
		Failed:        s.failed.Load(),
		Doubled:       s.doubled.Load(),
		Seconds:       s.seconds,
		UserSeconds:   s.user,
		SystemSeconds: s.system,
		Latency:       s.latency(),
		SlowestThread: slowest,
		PeakRSS:       s.usage.Maxrss,
		Threads:       s.threads,
	})
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func (s *Section) latency() *latency {
	if s.timed == 0 {
		return nil
	}
	sorted := s.latencies[:s.timed]
	sort.Slice(sorted, func(a, b int) bool { return sorted[a] < sorted[b] })
	at := func(thousandths int) float64 { return float64(sorted[len(sorted)*thousandths/1000]) / 1e3 }
	return &latency{len(sorted), at(500), at(990), at(999), float64(sorted[len(sorted)-1]) / 1e3}
}

func usage() syscall.Rusage {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return usage
}

func seconds(time syscall.Timeval) float64 {
	return float64(time.Sec) + float64(time.Usec)/1e6
}

// threads counts the threads of this process.
func threads() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fail(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nThreads:")
	var number int
	if _, err := fmt.Sscan(rest, &number); err != nil {
		fail(err)
	}
	return number
}
