// Benchmark prints what Go adds to the C library: microseconds for each piece of text that a callback gets, and the
// speed of encoding 64 MiB against C's. Both sides run in turns, each time in a process of their own with one thread;
// medians of the rounds are compared.
//
//	benchmark BASELINE MODEL [ROUNDS]
//
// BASELINE is the C program that is made of bindings/conformance/baseline.c, whose two commands this one has, too:
//
//	benchmark callbacks MODEL TOKENS
//	benchmark encode TYPE MIB
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"time"

	"quant"
	"quant/native"
)

const (
	tokens = "500"
	mib    = "64"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: benchmark BASELINE MODEL [ROUNDS] | callbacks MODEL TOKENS | encode TYPE MIB")
	}
	number := 11
	if len(os.Args) > 3 {
		var err error
		number, err = strconv.Atoi(os.Args[3])
		check(err)
	}
	switch os.Args[1] {
	case "callbacks":
		fmt.Printf("{\"seconds_per_token\": %.9g}\n", callbacks(os.Args[2], number))
	case "encode":
		e, err := quant.FindEncoding(os.Args[2])
		check(err)
		fmt.Printf("{\"seconds\": %.9g}\n", encode(e, number))
	default:
		compare(os.Args[1], os.Args[2], number)
	}
}

func compare(baseline, model string, rounds int) {
	fmt.Printf("a call and a callback, Go to C++ and back: %.2f us, which is more than a token adds\n", 1e6*roundTrip())
	there, here := inTurns(baseline, rounds, "callbacks", model, tokens)
	fmt.Printf("callback: C %.2f us a token, Go %.2f us, %+.2f us (goal: < 2)\n", 1e6*there, 1e6*here, 1e6*(here-there))
	for _, name := range []string{"Q8_0", "Q4_0"} {
		there, here := inTurns(baseline, rounds, "encode", name, mib)
		fmt.Printf("encode %s: C %.1f ms, Go %.1f ms, %.1f %% of C's speed (goal: >= 95)\n", name, 1e3*there, 1e3*here,
			100*there/here)
	}
}

// inTurns is the medians of C's and Go's seconds.
func inTurns(baseline string, rounds int, args ...string) (there, here float64) {
	own, err := os.Executable()
	check(err)
	var theirs, ours []float64
	for i := 0; i < rounds; i++ {
		if i%2 == 0 { // Each goes first in half of the rounds.
			theirs = append(theirs, seconds(baseline, args...))
		}
		ours = append(ours, seconds(own, args...))
		if i%2 == 1 {
			theirs = append(theirs, seconds(baseline, args...))
		}
	}
	return median(theirs), median(ours)
}

// callbacks is seconds a token with a callback that does nothing.
func callbacks(path string, tokens int) float64 {
	model, err := quant.Open(path)
	check(err)
	defer model.Close()
	session, err := model.NewSession(nil)
	check(err)
	defer session.Close()
	how := quant.GenerateOptions{Prompt: "And", MaxTokens: tokens, Sampling: quant.Greedy()}
	result, err := session.GenerateFunc(context.Background(), how, func(string) error { return nil })
	check(err)
	return result.DecodeTime.Seconds() / float64(result.GeneratedTokens)
}

type nothing struct{}

func (nothing) On_text(text *byte, count int64) int { return 0 }

// roundTrip is seconds of a call of C++ that calls Go back, as it does for a piece of text.
func roundTrip() float64 {
	const calls = 1000000
	sink := native.NewDirectorTextSink(nothing{})
	defer native.DeleteDirectorTextSink(sink)
	through, text := native.SwigcptrTextSink(sink.Swigcptr()), []byte("text")
	began := time.Now()
	for i := 0; i < calls; i++ {
		through.On_text(&text[0], int64(len(text)))
	}
	return time.Since(began).Seconds() / calls
}

// encode is seconds for the buffer, whose pages are there before the clock runs.
func encode(e quant.Encoding, mib int) float64 {
	weights := make([]float32, mib<<20/4)
	for i := range weights {
		weights[i] = float32((i*7919+13)%2001-1000) / 1024
	}
	size, err := e.Size(len(weights)/4096, 4096)
	check(err)
	out := make([]byte, size)
	for i := range out {
		out[i] = 1
	}
	best := math.Inf(1)
	for round := 0; round < 3; round++ { // As baseline.c does: the first one wakes the workers.
		began := time.Now()
		check(quant.EncodeInto(context.Background(), out, e, weights, 4096, &quant.EncodeOptions{Method: quant.MethodRound}))
		best = math.Min(best, time.Since(began).Seconds())
	}
	return best
}

// seconds is what a program tells of itself.
func seconds(program string, args ...string) float64 {
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "QUANT_THREADS=1") // Where the system puts threads makes more than a callback.
	output, err := command.Output()
	check(err)
	var told struct {
		Seconds  float64 `json:"seconds"`
		PerToken float64 `json:"seconds_per_token"`
	}
	check(json.Unmarshal(output, &told))
	return told.Seconds + told.PerToken
}

func median(values []float64) float64 {
	sorted := append([]float64{}, values...)
	sort.Float64s(sorted)
	return sorted[len(sorted)/2]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
