package quant

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestGenerationWritesWhatTheCallbackAndTheStreamGet(t *testing.T) {
	model := openQ8(t)
	var written bytes.Buffer
	result, err := newTestSession(t, model).Generate(context.Background(), &written, greedy("In the beginning", 40))
	must(t, err)
	if result.GeneratedTokens != 40 || result.Stop != StopLength || written.Len() == 0 {
		t.Fatalf("%+v: %q", result, written.String())
	}
	var pieces strings.Builder
	session := newTestSession(t, model)
	_, err = session.GenerateFunc(context.Background(), greedy("In the beginning", 40), func(text string) error {
		if !utf8.ValidString(text) {
			t.Errorf("%q is not whole characters", text)
		}
		pieces.WriteString(text)
		return nil
	})
	must(t, err)
	if session.Len() != result.PromptTokens+39 && session.Len() != result.PromptTokens+40 {
		t.Errorf("%d tokens after %d and %d", session.Len(), result.PromptTokens, result.GeneratedTokens)
	}
	var streamed strings.Builder
	stream := newTestSession(t, model).Stream(context.Background(), greedy("In the beginning", 40))
	for stream.Next() {
		streamed.WriteString(stream.Text())
	}
	must(t, stream.Err())
	if written.String() != pieces.String() || written.String() != streamed.String() {
		t.Errorf("%q, %q and %q", written.String(), pieces.String(), streamed.String())
	}
	if got := stream.Result().GeneratedTokens; got != 40 {
		t.Errorf("the stream tells of %d tokens", got)
	}
}

func TestTheSameSeedGivesTheSameText(t *testing.T) {
	model := openQ8(t)
	sampling := DefaultSampling()
	sampling.Seed = 7
	texts := map[string]bool{}
	for i := 0; i < 3; i++ {
		var text bytes.Buffer
		how := GenerateOptions{Prompt: "And God said", MaxTokens: 20, Sampling: &sampling}
		result, err := newTestSession(t, model).Generate(context.Background(), &text, how)
		must(t, err)
		if result.Seed != 7 {
			t.Errorf("seed %d", result.Seed)
		}
		texts[text.String()] = true
	}
	if len(texts) != 1 {
		t.Errorf("one seed, texts %v", texts)
	}
}

func TestACallbackStopsAndFailsItsGeneration(t *testing.T) {
	model := openQ8(t)
	pieces := 0
	result, err := newTestSession(t, model).GenerateFunc(context.Background(), greedy("And it came to pass", 50),
		func(string) error {
			if pieces++; pieces == 3 {
				return ErrStop
			}
			return nil
		})
	must(t, err)
	if pieces != 3 || result.Stop != StopCaller {
		t.Errorf("%d pieces, %+v", pieces, result)
	}
	_, err = newTestSession(t, model).GenerateFunc(context.Background(), greedy("And", 50), func(string) error { return errMine })
	wantError(t, err, errMine)
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestAWriterThatFailsEndsTheGeneration(t *testing.T) {
	model := openQ8(t)
	_, err := newTestSession(t, model).Generate(context.Background(), shortWriter{}, greedy("And", 50))
	wantError(t, err, io.ErrShortWrite)
	r, w := io.Pipe()
	r.CloseWithError(errMine)
	_, err = newTestSession(t, model).Generate(context.Background(), w, greedy("And", 50))
	wantError(t, err, errMine)
}

func TestAPanicComesOutWhereTheCallWasMade(t *testing.T) {
	model := openQ8(t)
	session := newTestSession(t, model)
	type own struct{ n int }
	value := panicOf(func() {
		session.GenerateFunc(context.Background(), greedy("And", 50), func(string) error { panic(own{5}) })
	})
	if value != (own{5}) {
		t.Fatalf("panicked with %v", value)
	}
	value = panicOf(func() {
		how := greedy(strings.Repeat("And the LORD spake unto Moses. ", 10), 5)
		how.OnPrefill = func(Progress) error { panic("prefill") }
		session.Truncate(0)
		session.Generate(context.Background(), io.Discard, how)
	})
	if value != "prefill" {
		t.Fatalf("panicked with %v", value)
	}
	must(t, session.Truncate(0)) // It is free, and goes on.
	_, err := session.Generate(context.Background(), io.Discard, greedy("And", 5))
	must(t, err)
}

func TestAContextEndsAGeneration(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	ctx, cancel := context.WithCancel(context.Background())
	pieces := 0
	result, err := session.GenerateFunc(ctx, greedy("And it came to pass", 200), func(string) error {
		if pieces++; pieces == 4 {
			cancel()
		}
		return nil
	})
	wantError(t, err, context.Canceled)
	wantError(t, err, ErrCancelled)
	if pieces != 4 || result.Stop != StopCaller || result.GeneratedTokens != 4 {
		t.Errorf("%d pieces, %+v", pieces, result)
	}
	_, err = session.Generate(ctx, io.Discard, greedy("And", 5))
	wantError(t, err, context.Canceled)
	late, cancelLate := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancelLate()
	_, err = session.GenerateFunc(late, greedy("And", 100), func(string) error { time.Sleep(2 * time.Millisecond); return nil })
	wantError(t, err, context.DeadlineExceeded)
}

func TestASessionIsForOneCallAtATime(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	_, err := session.GenerateFunc(context.Background(), greedy("And", 5), func(string) error {
		_, err := session.Fork(0)
		if !errors.Is(err, ErrBusy) || !errors.Is(session.Truncate(0), ErrBusy) {
			t.Errorf("a session in use does other things: %v", err)
		}
		return nil
	})
	must(t, err)
}

func TestForksGoOnFromTheSamePrompt(t *testing.T) {
	model := openQ8(t)
	session := newTestSession(t, model)
	ids, err := model.Tokenize("In the beginning God created", AddSpecial)
	must(t, err)
	last, err := session.Run(ids)
	must(t, err)
	if session.Len() != len(ids) || session.Cap() != 256 {
		t.Fatalf("%d of %d tokens", session.Len(), session.Cap())
	}
	all, err := newTestSession(t, model).RunAll(ids)
	must(t, err)
	if !reflect.DeepEqual(all[len(ids)-1], last) {
		t.Error("the last logits of all are others than those of the last")
	}
	var texts []string
	for i := 0; i < 2; i++ {
		fork, err := session.Fork(session.Len())
		must(t, err)
		var text bytes.Buffer
		how := greedy(" the", 10)
		how.NoAddSpecial = true
		_, err = fork.Generate(context.Background(), &text, how)
		must(t, err)
		must(t, fork.Close())
		texts = append(texts, text.String())
	}
	if texts[0] != texts[1] || texts[0] == "" {
		t.Errorf("forks go on with %q", texts)
	}
	_, err = session.Fork(1000)
	wantError(t, err, ErrArgument)
	_, err = session.Fork(-1)
	wantError(t, err, ErrArgument)
	_, err = session.Run(nil)
	wantError(t, err, ErrArgument)
	_, err = session.RunAll(nil)
	wantError(t, err, ErrArgument)
	_, err = session.Run(make([]int32, 1000))
	wantError(t, err, ErrLimit)
	must(t, session.Truncate(2))
	if session.Len() != 2 {
		t.Errorf("%d tokens", session.Len())
	}
}

func TestChatTurnsKeepWhatIsThere(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	_, err := session.Generate(context.Background(), io.Discard, greedy("In the beginning God created", 4))
	must(t, err)
	how := greedy("In the beginning God created the heaven", 4)
	how.Whole = true
	result, err := session.Generate(context.Background(), io.Discard, how)
	must(t, err)
	if result.CachedTokens == 0 {
		t.Errorf("nothing was kept: %+v", result)
	}
}

func TestGuessesDoNotChangeTheText(t *testing.T) {
	model := openQ8(t)
	with := func(change func(*SessionOptions)) (string, Generated) {
		how := DefaultSessionOptions()
		how.ContextLength = 128
		change(&how)
		session, err := model.NewSession(&how)
		must(t, err)
		defer session.Close()
		var text bytes.Buffer
		result, err := session.Generate(context.Background(), &text, greedy("And the sons of", 40))
		must(t, err)
		return text.String(), result
	}
	plain, _ := with(func(*SessionOptions) {})
	drafted, result := with(func(o *SessionOptions) { o.Draft = model })
	if drafted != plain || result.AcceptedTokens == 0 || result.AcceptedTokens > result.DraftedTokens {
		t.Errorf("%q, drafted %q: %+v", plain, drafted, result)
	}
	if looked, _ := with(func(o *SessionOptions) { o.Lookup = true }); looked != plain {
		t.Errorf("%q, looked up %q", plain, looked)
	}
	if _, result := with(func(o *SessionOptions) { o.KeyType, o.ValueType = Q8_0, Q8_0 }); result.GeneratedTokens == 0 {
		t.Errorf("%+v", result)
	}
	how := DefaultSessionOptions()
	how.KeyType = Q4_K
	_, err := model.NewSession(&how)
	wantError(t, err, ErrArgument)
	how = DefaultSessionOptions()
	how.ContextLength = -1
	_, err = model.NewSession(&how)
	wantError(t, err, ErrArgument)
}
