package quant

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func heldout(t *testing.T, bytes int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(basePath(), "heldout.txt"))
	must(t, err)
	return string(text[:bytes])
}

func TestTextsBecomeEmbeddings(t *testing.T) {
	model := openQ8(t)
	ctx := context.Background()
	all, err := model.Embed(ctx, []string{"And God said", "And the LORD spake", "a\x00b"}, nil)
	must(t, err)
	info, err := model.Info()
	must(t, err)
	if len(all) != 3 || len(all[0].Values) != info.EmbeddingLength {
		t.Fatalf("%d embeddings of %d values", len(all), len(all[0].Values))
	}
	for _, e := range all {
		sum := 0.0
		for _, v := range e.Values {
			sum += float64(v) * float64(v)
		}
		if math.Abs(sum-1) > 1e-3 || e.Rows != 1 || e.Tokens == 0 {
			t.Errorf("length %v, %d rows, %d tokens", sum, e.Rows, e.Tokens)
		}
	}
	how := DefaultEmbedOptions()
	how.Pooling = PoolingNone
	each, err := model.Embed(ctx, []string{"And God said"}, &how)
	must(t, err)
	if each[0].Rows != each[0].Tokens || len(each[0].Values) != each[0].Rows*each[0].Dimensions {
		t.Errorf("%d rows of %d tokens", each[0].Rows, each[0].Tokens)
	}
	_, err = model.Embed(ctx, nil, nil)
	wantError(t, err, ErrArgument)
	how.Progress = func(Progress) error { return errMine }
	_, err = model.Embed(ctx, []string{"And God said"}, &how)
	wantError(t, err, errMine)
}

func TestLossIsMeasuredAndCancelled(t *testing.T) {
	model := openQ8(t)
	base, err := Open(basePath())
	must(t, err)
	defer base.Close()
	text := heldout(t, 8000)
	how := DefaultEvalOptions()
	how.ContextLength, how.Chunks = 128, 4
	told := 0
	how.Progress = func(p Progress) error {
		if told++; p.Done > p.Total {
			t.Errorf("%d of %d", p.Done, p.Total)
		}
		return nil
	}
	ctx := context.Background()
	measured, err := model.Evaluate(ctx, text, base, &how)
	must(t, err)
	if measured.Perplexity < 1 || measured.KLDMean < 0 || measured.KLDMean > 0.1 || measured.Chunks != 4 || told == 0 ||
		len(measured.TextSHA256) != 64 {
		t.Errorf("%+v", measured)
	}
	alone, err := model.Evaluate(ctx, text, nil, &how)
	must(t, err)
	if !math.IsNaN(alone.KLDMean) || math.Abs(alone.Perplexity/measured.Perplexity-1) > 1e-6 {
		t.Errorf("%+v", alone)
	}
	stopping, cancel := context.WithCancel(ctx)
	how.Progress = func(Progress) error { cancel(); return nil }
	_, err = model.Evaluate(stopping, text, nil, &how)
	wantError(t, err, context.Canceled)
	_, err = model.Evaluate(ctx, "short", nil, nil)
	wantError(t, err, ErrArgument)
}

func TestSpeedIsMeasured(t *testing.T) {
	how := DefaultBenchOptions()
	how.PromptTokens, how.DecodeTokens, how.Rounds = 32, 4, 1
	speed, err := openQ8(t).Bench(context.Background(), &how)
	must(t, err)
	if speed.Prefill <= 0 || speed.Decode <= 0 || speed.Tier == "" {
		t.Errorf("%+v", speed)
	}
	how.Rounds = -1
	_, err = openQ8(t).Bench(context.Background(), &how)
	wantError(t, err, ErrArgument)
}
