package quant

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAnyBytesGoThroughATokenizer(t *testing.T) {
	tokenizer, err := OpenTokenizer(basePath())
	must(t, err)
	defer tokenizer.Close()
	size, err := tokenizer.Size()
	must(t, err)
	model := openQ8(t)
	for _, text := range []string{"In the beginning", "", "a\x00b", "\xff\xfe broken \xc3", "ünï 漢字 🙂"} {
		ids, err := tokenizer.Tokenize(text, 0)
		must(t, err)
		for _, id := range ids {
			if id < 0 || int(id) >= size {
				t.Errorf("%q has id %d of %d", text, id, size)
			}
		}
		again, err := model.TokenizeBytes([]byte(text), 0)
		must(t, err)
		back, err := model.Detokenize(again, 0)
		must(t, err)
		if strings.TrimPrefix(back, " ") != text {
			t.Errorf("%q came back as %q", text, back)
		}
	}
	_, err = tokenizer.Tokenize("x", 1<<20)
	wantError(t, err, ErrArgument)
	_, err = tokenizer.Detokenize([]int32{int32(size)}, 0)
	wantError(t, err, ErrArgument)
}

func TestTemplatesRenderWhatJSONMakesOfMessages(t *testing.T) {
	source := "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}{{ more }}"
	messages := []Message{{"user", "1 < 2 & \"so\""}}
	text, err := Render(source, "t", messages, &RenderOptions{Variables: map[string]interface{}{"more": 7}})
	must(t, err)
	if text != "<user>1 < 2 & \"so\"<a>7" {
		t.Errorf("rendered %q", text)
	}
	raw := json.RawMessage(`[{"role":"user","content":"x"}]`)
	text, err = Render(source, "t", raw, &RenderOptions{NoGenerationPrompt: true})
	must(t, err)
	if text != "<user>x" {
		t.Errorf("rendered %q", text)
	}
	text, err = Render("{{ strftime_now('%Y') }}", "t", raw, &RenderOptions{Now: time.Date(1999, 2, 3, 4, 5, 6, 0, time.UTC)})
	must(t, err)
	if text != "1999" {
		t.Errorf("rendered %q", text)
	}
	_, err = Render("{% for %}", "mine.jinja", messages, nil)
	wantError(t, err, ErrTemplate)
	_, err = Render(source, "t", json.RawMessage("["), nil)
	wantError(t, err, ErrFormat)
	_, err = Render(source, "t", func() {}, nil)
	if err == nil {
		t.Error("a function became JSON")
	}
}
