package quant

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestAPlanTellsWhatItWillWriteAndWritesIt(t *testing.T) {
	told := 0
	plan, err := NewPlan(basePath(), QuantizeOptions{Type: "q4_k_m", Method: MethodRound,
		Overrides: []Override{{"token_embd", "Q8_0"}}, Progress: func(p Progress) error {
			if told++; p.Done > p.Total {
				t.Errorf("%d of %d", p.Done, p.Total)
			}
			return nil
		}})
	must(t, err)
	defer plan.Close()
	summary, err := plan.Summary()
	must(t, err)
	before, err := plan.Tensors()
	must(t, err)
	if summary.Type != "Q4_K_M" || len(before) != summary.Tensors || before[0].RMSE != -1 || summary.PredictedKLD != -1 {
		t.Errorf("%+v, %d tensors, %+v", summary, len(before), before[0])
	}
	output := filepath.Join(t.TempDir(), "out.gguf")
	must(t, plan.Run(context.Background(), output))
	file, err := os.Stat(output)
	must(t, err)
	if uint64(file.Size()) != summary.OutputBytes || told == 0 {
		t.Errorf("%d bytes, %d announced; told %d times", file.Size(), summary.OutputBytes, told)
	}
	after, err := plan.Tensors()
	must(t, err)
	for _, tensor := range after {
		if tensor.RMSE < 0 || len(tensor.Shape) == 0 || tensor.Name == "token_embd.weight" && tensor.Encoding != Q8_0 {
			t.Errorf("%+v", tensor)
		}
	}
}

func TestQuantizingThatIsStoppedLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	run := func(ctx context.Context, fn ProgressFunc) error {
		return Quantize(ctx, basePath(), filepath.Join(folder, "out.gguf"), QuantizeOptions{Type: "Q4_K_M", Progress: fn})
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := run(ctx, func(Progress) error { cancel(); return nil })
	wantError(t, err, context.Canceled)
	wantError(t, run(context.Background(), func(Progress) error { return ErrStop }), ErrCancelled)
	wantError(t, run(context.Background(), func(Progress) error { return errMine }), errMine)
	if value := panicOf(func() { run(context.Background(), func(Progress) error { panic(1) }) }); value != 1 {
		t.Errorf("panicked with %v", value)
	}
	left, err := os.ReadDir(folder)
	must(t, err)
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	wantError(t, Quantize(context.Background(), basePath(), "x", QuantizeOptions{Type: "Q99"}), ErrNotFound)
	_, err = NewPlan("a\x00b", QuantizeOptions{Type: "Q8_0"})
	wantError(t, err, ErrArgument)
}

func TestAPlanIsSearchedForATarget(t *testing.T) {
	document, err := SearchPlan(context.Background(), basePath(), Target{BitsPerWeight: 6, Text: heldout(t, 6000), Tokens: 512})
	must(t, err)
	if !json.Valid(document) {
		t.Fatalf("no JSON: %.80s", document)
	}
	plan, err := NewPlan(basePath(), QuantizeOptions{Plan: document})
	must(t, err)
	defer plan.Close()
	summary, err := plan.Summary()
	must(t, err)
	if summary.BitsPerWeight > 6 || summary.PredictedKLD < 0 {
		t.Errorf("%+v", summary)
	}
	_, err = SearchPlan(context.Background(), basePath(), Target{Text: "x"})
	wantError(t, err, ErrArgument)
}

func TestTheCatalogKnowsWhatWasMadeAndMeasured(t *testing.T) {
	catalog, err := OpenCatalog(filepath.Join(t.TempDir(), "catalog.db"))
	must(t, err)
	defer catalog.Close()
	ctx := context.Background()
	base, err := catalog.Import(ctx, basePath(), "little", nil)
	must(t, err)
	plan, err := NewPlan(basePath(), QuantizeOptions{Type: "Q8_0", Method: MethodRound})
	must(t, err)
	defer plan.Close()
	output, err := catalog.OutputPath(base, "Q8_0")
	must(t, err)
	must(t, plan.Run(ctx, output))
	name, err := catalog.AddVariant(ctx, base, plan, output, func(Progress) error { return nil })
	must(t, err)
	model, err := Open(output)
	must(t, err)
	defer model.Close()
	how := DefaultEvalOptions()
	how.ContextLength, how.Chunks = 128, 2
	measured, err := model.Evaluate(ctx, heldout(t, 4000), nil, &how)
	must(t, err)
	must(t, catalog.RecordEvaluation(name, "", "heldout.txt", measured))
	rows, err := catalog.List("little")
	must(t, err)
	found := false
	for _, row := range rows {
		if row.Name == name {
			found = row.Perplexity == measured.Perplexity && row.Base == base && row.Bytes > 0 && !row.FileMissing
		}
	}
	if !found {
		t.Errorf("%s, made of %s: %+v", name, base, rows)
	}
	shown, err := catalog.Show(name)
	must(t, err)
	if !json.Valid(shown) {
		t.Errorf("no JSON: %.80s", shown)
	}
	path, err := catalog.Resolve(name)
	must(t, err)
	if path != output {
		t.Errorf("%s is at %s, not %s", name, path, output)
	}
	removed, err := catalog.Remove(name, false)
	must(t, err)
	if _, err := os.Stat(output); removed != 1 || !os.IsNotExist(err) {
		t.Errorf("%d removed; %v", removed, err)
	}
	_, err = catalog.List("nothing-of-that-name")
	wantError(t, err, ErrNotFound)
	_, err = catalog.Import(ctx, basePath(), "a b", nil)
	wantError(t, err, ErrArgument)
	_, err = catalog.Import(ctx, q8Path(t), "stopped", func(Progress) error { return errMine })
	wantError(t, err, errMine)
	stopping, cancel := context.WithCancel(ctx)
	_, err = catalog.Import(stopping, q8Path(t), "stopped", func(Progress) error { cancel(); return nil })
	wantError(t, err, context.Canceled)
}

func TestANameOfTheCatalogOpens(t *testing.T) {
	model, err := Open(importOnce(t, q8Path(t), "tested:q8"))
	must(t, err)
	defer model.Close()
	_, err = Open("no-such-model-of-mine")
	wantError(t, err, ErrNotFound)
	_, err = OpenWith(context.Background(), q8Path(t), &OpenOptions{PackCache: "maybe"})
	wantError(t, err, ErrArgument)
	told := false
	read, err := OpenWith(context.Background(), q8Path(t), &OpenOptions{Prefault: true,
		Progress: func(Progress) error { told = true; return nil }})
	must(t, err)
	read.Close()
	if !told {
		t.Error("no progress of reading")
	}
	_, err = OpenWith(context.Background(), q8Path(t), &OpenOptions{Prefault: true,
		Progress: func(Progress) error { return errMine }})
	wantError(t, err, errMine)
	_, err = OpenShared(context.Background(), "x", &SharedOptions{Socket: filepath.Join(t.TempDir(), "none")})
	wantError(t, err, ErrUnavailable)
}
