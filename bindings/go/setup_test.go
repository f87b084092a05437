package quant

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// What tests share: a scratch folder that is also the catalog's, the shipped model, and its Q8_0 variant.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "libquant-go-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(scratch)
		os.Setenv("QUANT_HOME", filepath.Join(scratch, "home"))
		os.Setenv("XDG_CACHE_HOME", filepath.Join(scratch, "cache"))
		return m.Run()
	}())
}

func basePath() string {
	share := os.Getenv("QUANT_SHARE")
	if share == "" {
		share = filepath.Join("..", "..", "share")
	}
	return filepath.Join(share, "models", "kjv-5m")
}

var q8 struct {
	once sync.Once
	path string
	err  error
}

// q8Path is the shipped model as Q8_0, by rounding.
func q8Path(t testing.TB) string {
	t.Helper()
	q8.once.Do(func() {
		q8.path = filepath.Join(scratch, "q8.gguf")
		q8.err = Quantize(context.Background(), basePath(), q8.path, QuantizeOptions{Type: "Q8_0", Method: MethodRound})
	})
	must(t, q8.err)
	return q8.path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openQ8(t testing.TB) *Model {
	t.Helper()
	model, err := Open(q8Path(t))
	must(t, err)
	t.Cleanup(func() { model.Close() })
	return model
}

func newTestSession(t testing.TB, model *Model) *Session {
	t.Helper()
	how := DefaultSessionOptions()
	how.ContextLength = 256
	session, err := model.NewSession(&how)
	must(t, err)
	t.Cleanup(func() { session.Close() })
	return session
}

func greedy(prompt string, tokens int) GenerateOptions {
	return GenerateOptions{Prompt: prompt, MaxTokens: tokens, Sampling: Greedy()}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, not %v", err, want)
	}
}

// panicOf is what the body panics with.
func panicOf(body func()) (value interface{}) {
	defer func() { value = recover() }()
	body()
	return nil
}

// madeWeights are the same in every language.
func madeWeights(count int) []float32 {
	w := make([]float32, count)
	for i := range w {
		w[i] = float32(float64((i*7919+13)%2001-1000) / 1024)
	}
	return w
}

var errMine = errors.New("mine")
