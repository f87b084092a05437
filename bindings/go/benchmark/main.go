// Benchmark prints what Go adds to the C library: microseconds for each piece of text that a callback gets, and the
// speed of encoding 64 MiB against C's. Both sides run in turns; medians of the rounds are compared.
//
//	benchmark BASELINE MODEL [ROUNDS]
//
// BASELINE is the C program that is made of bindings/conformance/baseline.c.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"time"

	"quant"
)

const (
	tokens = 200
	mib    = 64
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: benchmark BASELINE MODEL [ROUNDS]")
	}
	baseline, model, rounds := os.Args[1], os.Args[2], 9
	if len(os.Args) > 3 {
		rounds, _ = strconv.Atoi(os.Args[3])
	}
	var here, there []float64
	for i := 0; i < rounds; i++ {
		there = append(there, seconds(baseline, "callbacks", model, strconv.Itoa(tokens)))
		here = append(here, callbacks(model))
	}
	fmt.Printf("callback: C %.2f us a token, Go %.2f us, %+.2f us (goal: < 2)\n", 1e6*median(there), 1e6*median(here),
		1e6*(median(here)-median(there)))
	for _, e := range []quant.Encoding{quant.Q8_0, quant.Q4_0} {
		here, there = nil, nil
		for i := 0; i < rounds; i++ {
			there = append(there, seconds(baseline, "encode", e.String(), strconv.Itoa(mib)))
			here = append(here, encode(e))
		}
		fmt.Printf("encode %v: C %.1f ms, Go %.1f ms, %.1f %% of C's speed (goal: >= 95)\n", e, 1e3*median(there),
			1e3*median(here), 100*median(there)/median(here))
	}
}

// callbacks is seconds a token with a callback that does nothing.
func callbacks(path string) float64 {
	model, err := quant.Open(path)
	check(err)
	defer model.Close()
	session, err := model.NewSession(nil)
	check(err)
	defer session.Close()
	how := quant.GenerateOptions{Prompt: "In the beginning", MaxTokens: tokens, Sampling: quant.Greedy()}
	result, err := session.GenerateFunc(context.Background(), how, func(string) error { return nil })
	check(err)
	return result.DecodeTime.Seconds() / float64(result.GeneratedTokens)
}

// encode is seconds for the buffer, the best of three so that no page is touched for the first time.
func encode(e quant.Encoding) float64 {
	weights := make([]float32, mib<<20/4)
	for i := range weights {
		weights[i] = float32((i*7919+13)%2001-1000) / 1024
	}
	size, err := e.Size(len(weights)/4096, 4096)
	check(err)
	out := make([]byte, size)
	best := 0.0
	for i := 0; i < 3; i++ {
		began := time.Now()
		check(quant.EncodeInto(context.Background(), out, e, weights, 4096, &quant.EncodeOptions{Method: quant.MethodRound}))
		if took := time.Since(began).Seconds(); best == 0 || took < best {
			best = took
		}
	}
	return best
}

// seconds is what a C program tells of itself.
func seconds(program string, args ...string) float64 {
	output, err := exec.Command(program, args...).Output()
	check(err)
	var told struct {
		Seconds float64 `json:"seconds"`
	}
	check(json.Unmarshal(output, &told))
	return told.Seconds
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
