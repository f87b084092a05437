package quant

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func conformVersion(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct{}
	var expect struct{ Prefix string }
	k.read(t, &input, &expect)
	if !strings.HasPrefix(Version(), expect.Prefix) {
		t.Errorf("version %s", Version())
	}
}

func conformEncoding(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct{ Name string }
	var expect struct {
		ID            Encoding
		BlockWeights  int     `json:"block_weights"`
		BlockBytes    int     `json:"block_bytes"`
		BitsPerWeight float64 `json:"bits_per_weight"`
	}
	k.read(t, &input, &expect)
	found, err := FindEncoding(input.Name)
	must(t, err)
	for _, info := range Encodings() {
		if info.ID == found {
			if info.ID != expect.ID || info.BlockWeights != expect.BlockWeights || info.BlockBytes != expect.BlockBytes ||
				info.BitsPerWeight != expect.BitsPerWeight {
				t.Errorf("%+v, not %+v", info, expect)
			}
			return
		}
	}
	t.Errorf("%v is not in the list", found)
}

var methods = map[string]Method{
	"DEFAULT": MethodDefault, "ROUND": MethodRound, "SEARCH": MethodSearch, "IMPORTANCE": MethodImportance,
	"FEEDBACK": MethodFeedback, "BEST": MethodBest,
}

func methodOf(t *testing.T, name string) Method {
	t.Helper()
	method, ok := methods[name]
	if !ok {
		t.Fatalf("a method %q", name)
	}
	return method
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func conformEncode(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct {
		Encoding, Method string
		Rows, Cols       int
	}
	var expect struct {
		Bytes         int
		SHA256        string
		DecodedSHA256 string `json:"decoded_sha256"`
	}
	k.read(t, &input, &expect)
	encoding, err := FindEncoding(input.Encoding)
	must(t, err)
	blocks, err := Encode(context.Background(), encoding, madeWeights(input.Rows*input.Cols), input.Cols,
		&EncodeOptions{Method: methodOf(t, input.Method)})
	must(t, err)
	if len(blocks) != expect.Bytes || sha(blocks) != expect.SHA256 {
		t.Errorf("%d bytes, %s", len(blocks), sha(blocks))
	}
	back, err := Decode(encoding, blocks, input.Rows, input.Cols)
	must(t, err)
	raw := make([]byte, 4*len(back))
	for i, value := range back {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(value))
	}
	if sha(raw) != expect.DecodedSHA256 {
		t.Errorf("decoded to %s", sha(raw))
	}
}

func conformTokenize(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model        string
		Text         anyText
		AddSpecial   bool `json:"add_special"`
		ParseSpecial bool `json:"parse_special"`
	}
	var expect struct{ IDs []int32 }
	k.read(t, &input, &expect)
	flags := TextFlags(0)
	if input.AddSpecial {
		flags |= AddSpecial
	}
	if input.ParseSpecial {
		flags |= ParseSpecial
	}
	ids, err := suite.model(t, input.Model).Tokenize(string(input.Text), flags)
	must(t, err)
	if len(ids) != len(expect.IDs) || len(ids) > 0 && !reflect.DeepEqual(ids, expect.IDs) {
		t.Errorf("%v, not %v", ids, expect.IDs)
	}
}

func conformDetokenize(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model       string
		IDs         []int32
		SkipSpecial bool `json:"skip_special"`
	}
	var expect struct{ Text anyText }
	k.read(t, &input, &expect)
	flags := TextFlags(0)
	if input.SkipSpecial {
		flags = SkipSpecial
	}
	text, err := suite.model(t, input.Model).Detokenize(input.IDs, flags)
	must(t, err)
	if text != string(expect.Text) {
		t.Errorf("%q, not %q", text, expect.Text)
	}
}

func conformRender(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct {
		Template            string
		Messages            json.RawMessage
		AddGenerationPrompt bool `json:"add_generation_prompt"`
	}
	var expect struct{ Text anyText }
	k.read(t, &input, &expect)
	text, err := Render(input.Template, "template", input.Messages, &RenderOptions{NoGenerationPrompt: !input.AddGenerationPrompt})
	must(t, err)
	if text != string(expect.Text) {
		t.Errorf("%q, not %q", text, expect.Text)
	}
}

func conformGenerate(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model     string
		Prompt    anyText
		MaxTokens int `json:"max_tokens"`
		StopAfter int `json:"stop_after"`
	}
	must(t, strictly(k.Input, &input))
	checkGenerated(t, suite.session(t, input.Model), string(input.Prompt), input.MaxTokens, input.StopAfter, k.Expect)
}

func conformLogits(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model string
		IDs   []int32
	}
	var expect struct {
		Argmax int
		At     []int
		Values []float64
	}
	k.read(t, &input, &expect)
	logits, err := suite.session(t, input.Model).Run(input.IDs)
	must(t, err)
	best := 0
	for i, value := range logits {
		if value > logits[best] {
			best = i
		}
	}
	if best != expect.Argmax {
		t.Errorf("%d is likeliest, not %d", best, expect.Argmax)
	}
	for i, at := range expect.At {
		if at >= len(logits) || math.Abs(float64(logits[at])-expect.Values[i]) > k.Tolerance {
			t.Errorf("%d logits; at %d not %v", len(logits), at, expect.Values[i])
		}
	}
}

func conformEmbed(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model string
		Texts []anyText
	}
	var expect struct {
		Dimensions int
		First      [][]float64
	}
	k.read(t, &input, &expect)
	texts := make([]string, len(input.Texts))
	for i, text := range input.Texts {
		texts[i] = string(text)
	}
	all, err := suite.model(t, input.Model).Embed(context.Background(), texts, nil)
	must(t, err)
	if len(all) != len(expect.First) {
		t.Fatalf("%d embeddings", len(all))
	}
	for i, one := range all {
		if one.Dimensions != expect.Dimensions || len(one.Values) != expect.Dimensions {
			t.Errorf("%d dimensions", one.Dimensions)
		}
		for j, want := range expect.First[i] {
			if math.Abs(float64(one.Values[j])-want) > k.Tolerance {
				t.Errorf("value %d of text %d is %v, not %v", j, i, one.Values[j], want)
			}
		}
	}
}

func conformPerplexity(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model string
		Text  anyText
	}
	var expect struct {
		Perplexity float64
		Tokens     uint64
	}
	k.read(t, &input, &expect)
	measured, err := suite.model(t, input.Model).Evaluate(context.Background(), string(input.Text), nil, nil)
	must(t, err)
	if math.Abs(measured.Perplexity/expect.Perplexity-1) > k.Tolerance || measured.Tokens != expect.Tokens {
		t.Errorf("%v of %d tokens, not %+v", measured.Perplexity, measured.Tokens, expect)
	}
}

func conformQuantize(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct{ Type, Method string }
	var expect struct {
		Bytes    int64
		Progress bool
	}
	k.read(t, &input, &expect)
	output, calls, over := filepath.Join(t.TempDir(), "out.gguf"), 0, false
	must(t, Quantize(context.Background(), basePath(), output, QuantizeOptions{Type: input.Type,
		Method: methodOf(t, input.Method), Progress: func(p Progress) error {
			calls++
			over = over || p.Done > p.Total
			return nil
		}}))
	file, err := os.Stat(output)
	must(t, err)
	if file.Size() != expect.Bytes || (calls > 0 && !over) != expect.Progress {
		t.Errorf("%d bytes, %d calls, over the total: %v", file.Size(), calls, over)
	}
}

func conformQuantizeCancelled(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct{ Type string }
	var expect struct {
		Status string
		Left   []string
	}
	k.read(t, &input, &expect)
	folder := t.TempDir()
	err := Quantize(context.Background(), basePath(), filepath.Join(folder, "out.gguf"), QuantizeOptions{Type: input.Type,
		Progress: func(Progress) error { return ErrStop }})
	checkStatus(t, err, expect.Status, "")
	left, err := os.ReadDir(folder)
	must(t, err)
	if len(left) != len(expect.Left) {
		t.Errorf("left: %v", left)
	}
}

func checkStatus(t *testing.T, err error, status, part string) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("no error of the library: %v", err)
	}
	if failure.Status.String() != status || !strings.Contains(failure.Message, part) {
		t.Errorf("%v: %s; not %s with %q", failure.Status.String(), failure.Message, status, part)
	}
}

func conformError(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Call, Path, Name, Encoding, Model, Template, Type, Socket string
		Rows, Cols                                                int
		IDs                                                       []int32
		Messages                                                  json.RawMessage
	}
	var expect struct {
		Status     string
		MessageHas string `json:"message_has"`
	}
	k.read(t, &input, &expect)
	var err error
	switch input.Call {
	case "open_model":
		_, err = Open(input.Path)
	case "open_tokenizer":
		_, err = OpenTokenizer(input.Path)
	case "find_encoding":
		_, err = FindEncoding(input.Name)
	case "encode":
		encoding, found := FindEncoding(input.Encoding)
		must(t, found)
		_, err = Encode(context.Background(), encoding, madeWeights(input.Rows*input.Cols), input.Cols, nil)
	case "detokenize":
		_, err = suite.model(t, input.Model).Detokenize(input.IDs, 0)
	case "render":
		_, err = Render(input.Template, "template", input.Messages, nil)
	case "plan":
		_, err = NewPlan(basePath(), QuantizeOptions{Type: input.Type})
	case "resolve":
		catalog, opened := OpenCatalog("")
		must(t, opened)
		defer catalog.Close()
		_, err = catalog.Resolve(input.Name)
	case "open_shared":
		_, err = OpenShared(context.Background(), input.Name, &SharedOptions{Socket: input.Socket})
	default:
		t.Fatalf("a call that this runner does not know: %q", input.Call)
	}
	checkStatus(t, err, expect.Status, expect.MessageHas)
}

func conformCatalog(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct{ Name string }
	var expect struct{ Name, Model, Variant string }
	k.read(t, &input, &expect)
	catalog, err := OpenCatalog(filepath.Join(t.TempDir(), "catalog.db"))
	must(t, err)
	defer catalog.Close()
	_, err = catalog.Import(context.Background(), q8Path(t), input.Name, nil)
	must(t, err)
	rows, err := catalog.List(input.Name)
	must(t, err)
	if len(rows) != 1 || rows[0].Name != expect.Name || rows[0].Model != expect.Model || rows[0].Variant != expect.Variant {
		t.Errorf("%+v, not %+v", rows, expect)
	}
}

func conformCallbackFails(t *testing.T, suite *conformance, k *conformanceCase) {
	var input struct {
		Model     string
		Prompt    anyText
		MaxTokens int `json:"max_tokens"`
	}
	var expect struct{ Propagates bool }
	k.read(t, &input, &expect)
	how := greedy(string(input.Prompt), input.MaxTokens)
	_, err := suite.session(t, input.Model).GenerateFunc(context.Background(), how, func(string) error { return errMine })
	value := panicOf(func() {
		suite.session(t, input.Model).GenerateFunc(context.Background(), how, func(string) error { panic(errMine) })
	})
	if (err == errMine && value == errMine) != expect.Propagates {
		t.Errorf("failed with %v, and panicked with %v", err, value)
	}
}

func conformShared(t *testing.T, _ *conformance, k *conformanceCase) {
	var input struct {
		Prompt    anyText
		MaxTokens int `json:"max_tokens"`
	}
	must(t, strictly(k.Input, &input))
	name := importOnce(t, q8Path(t), "tested:q8")
	model, err := OpenShared(context.Background(), name, &SharedOptions{Socket: startDaemon(t)})
	must(t, err)
	defer model.Close()
	checkGenerated(t, newTestSession(t, model), string(input.Prompt), input.MaxTokens, 0, k.Expect)
}
