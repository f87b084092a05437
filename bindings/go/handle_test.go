package quant

import (
	"context"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestWhatIsClosedSaysSo(t *testing.T) {
	tokenizer, err := OpenTokenizer(basePath())
	must(t, err)
	model, err := Open(q8Path(t))
	must(t, err)
	session, err := model.NewSession(nil)
	must(t, err)
	scheduler, err := model.NewScheduler(nil)
	must(t, err)
	plan, err := NewPlan(basePath(), QuantizeOptions{Type: "Q4_0"})
	must(t, err)
	catalog, err := OpenCatalog("")
	must(t, err)
	for _, c := range []io.Closer{tokenizer, session, scheduler, plan, catalog, model} {
		must(t, c.Close())
		must(t, c.Close())
	}
	ctx := context.Background()
	for name, use := range map[string]func() error{
		"Tokenizer.Size":       func() error { _, err := tokenizer.Size(); return err },
		"Tokenizer.Tokenize":   func() error { _, err := tokenizer.Tokenize("x", 0); return err },
		"Tokenizer.Detokenize": func() error { _, err := tokenizer.Detokenize(nil, 0); return err },
		"Model.Info":           func() error { _, err := model.Info(); return err },
		"Model.Tokenize":       func() error { _, err := model.Tokenize("x", 0); return err },
		"Model.Detokenize":     func() error { _, err := model.Detokenize(nil, 0); return err },
		"Model.RenderChat":     func() error { _, err := model.RenderChat([]Message{}, nil); return err },
		"Model.NewSession":     func() error { _, err := model.NewSession(nil); return err },
		"Model.NewScheduler":   func() error { _, err := model.NewScheduler(nil); return err },
		"Model.Embed":          func() error { _, err := model.Embed(ctx, []string{"x"}, nil); return err },
		"Model.Evaluate":       func() error { _, err := model.Evaluate(ctx, "x", nil, nil); return err },
		"Model.Bench":          func() error { _, err := model.Bench(ctx, nil); return err },
		"Session.Run":          func() error { _, err := session.Run([]int32{1}); return err },
		"Session.Fork":         func() error { _, err := session.Fork(0); return err },
		"Session.Truncate":     func() error { return session.Truncate(0) },
		"Session.Generate":     func() error { _, err := session.Generate(ctx, io.Discard, GenerateOptions{}); return err },
		"Stream":               func() error { s := session.Stream(ctx, GenerateOptions{}); s.Next(); return s.Err() },
		"Scheduler.Submit":     func() error { _, err := scheduler.Submit(ctx, Request{Prompt: "x"}); return err },
		"Scheduler.Generate":   func() error { _, err := scheduler.Generate(ctx, io.Discard, Request{Prompt: "x"}); return err },
		"Scheduler.Statistics": func() error { _, err := scheduler.Statistics(); return err },
		"Plan.Summary":         func() error { _, err := plan.Summary(); return err },
		"Plan.Tensors":         func() error { _, err := plan.Tensors(); return err },
		"Plan.Run":             func() error { return plan.Run(ctx, "x") },
		"Catalog.List":         func() error { _, err := catalog.List(""); return err },
		"Catalog.Show":         func() error { _, err := catalog.Show("x"); return err },
		"a zero Model":         func() error { _, err := new(Model).Info(); return err },
	} {
		if err := use(); err != ErrClosed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	must(t, new(Model).Close())
}

func TestASessionKeepsItsModel(t *testing.T) {
	model, err := Open(q8Path(t))
	must(t, err)
	session := newTestSession(t, model)
	must(t, model.Close())
	_, err = session.Generate(context.Background(), io.Discard, greedy("And", 5))
	must(t, err)
}

func TestCloseDuringACallTakesEffectBehindIt(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	result, err := session.GenerateFunc(context.Background(), greedy("And", 20), func(string) error {
		return session.Close()
	})
	must(t, err)
	if result.GeneratedTokens != 20 {
		t.Errorf("%+v", result)
	}
	wantError(t, session.Truncate(0), ErrClosed)
}

func TestManyGoroutinesCloseAndUseOneModel(t *testing.T) {
	model, err := Open(q8Path(t))
	must(t, err)
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			for n := 0; n < 50; n++ {
				if _, err := model.Tokenize("In the beginning", 0); err != nil && err != ErrClosed {
					t.Error(err)
				}
				if i == 0 && n == 25 {
					model.Close()
				}
			}
		}(i)
	}
	all.Wait()
}

func TestTheCollectorClosesWhatNobodyRefersTo(t *testing.T) {
	var h *handle
	func() {
		tokenizer, err := OpenTokenizer(basePath())
		must(t, err)
		h = tokenizer.h
	}()
	for tries := 0; h.acquire() == nil; tries++ {
		h.release()
		if tries == 200 {
			t.Fatal("it is never closed")
		}
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}
