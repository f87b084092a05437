package quant

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The cases that SDKs of all languages must pass: bindings/conformance/README.md says what each kind means.

type conformanceCase struct {
	Name, Kind    string
	Input, Expect json.RawMessage
	Tolerance     float64
}

// anyText is a string, or {"hex": ...} where it is no UTF-8 or holds NUL.
type anyText string

func (a *anyText) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return json.Unmarshal(text, (*string)(a))
	}
	var coded struct{ Hex string }
	if err := strictly(text, &coded); err != nil {
		return err
	}
	raw, err := hex.DecodeString(coded.Hex)
	*a = anyText(raw)
	return err
}

// strictly fails at members that the runner does not know.
func strictly(text []byte, into interface{}) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// conformance is what cases run on.
type conformance struct {
	q8, base *Model
}

func (c *conformance) model(t *testing.T, name string) *Model {
	t.Helper()
	switch name {
	case "q8":
		return c.q8
	case "base":
		return c.base
	}
	t.Fatalf("a model %q", name)
	return nil
}

func (c *conformance) session(t *testing.T, name string) *Session {
	t.Helper()
	return newTestSession(t, c.model(t, name))
}

var conformanceKinds = map[string]func(*testing.T, *conformance, *conformanceCase){
	"version": conformVersion, "encoding": conformEncoding, "encode": conformEncode, "tokenize": conformTokenize,
	"detokenize": conformDetokenize, "render": conformRender, "generate": conformGenerate, "logits": conformLogits,
	"embed": conformEmbed, "perplexity": conformPerplexity, "quantize": conformQuantize,
	"quantize_cancelled": conformQuantizeCancelled, "error": conformError, "catalog": conformCatalog,
	"callback_fails": conformCallbackFails, "shared": conformShared,
}

// read fills in what a case has, and fails at what the runner would pass over.
func (k *conformanceCase) read(t *testing.T, input, expect interface{}) {
	t.Helper()
	must(t, strictly(k.Input, input))
	must(t, strictly(k.Expect, expect))
}

func TestConformance(t *testing.T) {
	path := os.Getenv("QUANT_CONFORMANCE")
	if path == "" {
		path = filepath.Join("..", "conformance", "cases.json")
	}
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skip("skipped: the cases are in the project's tree only")
	}
	must(t, err)
	var all struct {
		Format int
		Model  string
		Cases  []conformanceCase
	}
	must(t, json.Unmarshal(text, &all))
	if all.Format != 1 || all.Model != "kjv-5m" || len(all.Cases) == 0 {
		t.Fatalf("format %d, model %q, %d cases", all.Format, all.Model, len(all.Cases))
	}
	base, err := Open(basePath())
	must(t, err)
	defer base.Close()
	suite := &conformance{q8: openQ8(t), base: base}
	for i := range all.Cases {
		one := &all.Cases[i]
		t.Run(strings.ReplaceAll(one.Name, "/", "_"), func(t *testing.T) {
			run := conformanceKinds[one.Kind]
			if run == nil {
				t.Fatalf("a kind that this runner does not know: %q", one.Kind)
			}
			run(t, suite, one)
		})
	}
}

// checkGenerated compares what a generation made.
func checkGenerated(t *testing.T, session *Session, prompt string, most, stopAfter int, expect json.RawMessage) {
	t.Helper()
	var want struct {
		Text            anyText
		Stop            string
		PromptTokens    int `json:"prompt_tokens"`
		GeneratedTokens int `json:"generated_tokens"`
	}
	must(t, strictly(expect, &want))
	var text strings.Builder
	pieces := 0
	result, err := session.GenerateFunc(context.Background(), greedy(prompt, most), func(piece string) error {
		text.WriteString(piece)
		if pieces++; pieces == stopAfter {
			return ErrStop
		}
		return nil
	})
	must(t, err)
	if text.String() != string(want.Text) {
		t.Errorf("%q, not %q", text.String(), want.Text)
	}
	if result.Stop.String() != want.Stop || result.PromptTokens != want.PromptTokens ||
		result.GeneratedTokens != want.GeneratedTokens {
		t.Errorf("%+v, not %+v", result, want)
	}
}
