package quant

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
)

// resident is the process's memory in MiB and its open descriptors, when the collector has been through.
func resident(t *testing.T) (mib float64, descriptors int) {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	must(t, err)
	pages, err := strconv.Atoi(string(bytes.Fields(text)[1]))
	must(t, err)
	open, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20), len(open)
}

// holds runs warm rounds, then more, and compares what the process holds.
func holds(t *testing.T, warm, rounds int, most float64, round func(i int)) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short")
	}
	for i := 0; i < warm; i++ {
		round(i)
	}
	before, openBefore := resident(t)
	for i := 0; i < rounds; i++ {
		round(i)
	}
	after, openAfter := resident(t)
	t.Logf("%d rounds: %.1f MiB and %d descriptors, then %.1f MiB and %d", rounds, before, openBefore, after, openAfter)
	if after-before > most || openAfter > openBefore {
		t.Errorf("%.1f MiB and %d descriptors more", after-before, openAfter-openBefore)
	}
}

func TestTokenizersLeakNothing(t *testing.T) {
	holds(t, 500, 10000, 8, func(i int) {
		tokenizer, err := OpenTokenizer(basePath())
		must(t, err)
		if i%10 == 0 {
			_, err = tokenizer.Tokenize("In the beginning", 0)
			must(t, err)
			_, err = OpenTokenizer(basePath() + "/none")
			wantError(t, err, ErrNotFound)
		}
		must(t, tokenizer.Close())
	})
}

func TestModelsAndSessionsLeakNothing(t *testing.T) {
	path := q8Path(t)
	holds(t, 30, 300, 16, func(int) {
		model, err := Open(path)
		must(t, err)
		session := newTestSession(t, model)
		_, err = session.GenerateFunc(context.Background(), greedy("And", 2), func(string) error { return nil })
		must(t, err)
		must(t, session.Close())
		must(t, model.Close())
	})
}

func TestCallsAndCallbacksLeakNothing(t *testing.T) {
	model := openQ8(t)
	scheduler := newTestScheduler(t)
	session := newTestSession(t, model)
	weights := madeWeights(4096)
	holds(t, 200, 2000, 8, func(int) {
		must(t, session.Truncate(0))
		stream := session.Stream(context.Background(), greedy("And", 4))
		stream.Next()
		must(t, stream.Close())
		panicOf(func() {
			session.GenerateFunc(context.Background(), greedy("And", 2), func(string) error { panic(1) })
		})
		job, err := scheduler.Submit(context.Background(), Request{Prompt: "And", MaxTokens: 2})
		must(t, err)
		_, err = job.Wait()
		must(t, err)
		_, err = Encode(context.Background(), Q8_0, weights, 256, &EncodeOptions{Progress: func(Progress) error { return nil }})
		must(t, err)
		_, err = model.Tokenize("\xff\x00", AddSpecial)
		must(t, err)
		_, err = FindEncoding("none")
		wantError(t, err, ErrNotFound)
	})
}
