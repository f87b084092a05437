package quant

import (
	"context"
	"io"
	"time"

	"quant/native"
)

// GenerateOptions is a prompt and how to go on from it; all but the prompt may be left zero.
type GenerateOptions struct {
	Prompt         string
	MaxTokens      int       // 0: until the end or the context is full.
	Sampling       *Sampling // nil: as DefaultSampling.
	Whole          bool      // The prompt is the whole sequence, of which what is there already is kept: a chat's turn.
	NoAddSpecial   bool      // Do not add the BOS token that the model wants: rendered chats have theirs.
	NoParseSpecial bool      // Special tokens written in the prompt are text like any other.
	OnPrefill      ProgressFunc
}

// Stop is why a generation ended.
type Stop int

// The reasons.
const (
	StopEnd     Stop = 0 // The model said so.
	StopLength  Stop = 1 // MaxTokens reached.
	StopContext Stop = 2 // The context is full.
	StopCaller  Stop = 3 // The callback, the reader or the context asked.
	StopText    Stop = 4 // A stop string came, which is not part of the text.
)

func (s Stop) String() string {
	names := [...]string{"END", "LENGTH", "CONTEXT", "CALLER", "TEXT"}
	if s < 0 || int(s) >= len(names) {
		return "?"
	}
	return names[s]
}

// Generated is what a generation took.
type Generated struct {
	Stop            Stop
	PromptTokens    int // Of the prompt, those kept from before included.
	CachedTokens    int // Of them, those that had not to be run again.
	GeneratedTokens int // The end token not counted.
	PrefillTime     time.Duration
	DecodeTime      time.Duration
	Seed            uint64 // That was used.
	DraftedTokens   int    // Guesses that were run along,
	AcceptedTokens  int    // and those of them that were right.
}

// Generate runs the prompt and writes the text after it to w as it is made, whole UTF-8 characters at a time. An error
// of w ends the generation and is returned. Where the context ends it, what has been generated is returned beside the
// error.
func (s *Session) Generate(ctx context.Context, w io.Writer, how GenerateOptions) (Generated, error) {
	return s.generate(ctx, how, func(text []byte) error {
		n, err := w.Write(text)
		if err == nil && n < len(text) {
			err = io.ErrShortWrite
		}
		return err
	})
}

// GenerateFunc is Generate that calls `fn` with each piece of text. ErrStop of it ends the generation.
func (s *Session) GenerateFunc(ctx context.Context, how GenerateOptions, fn func(text string) error) (Generated, error) {
	return s.generate(ctx, how, func(text []byte) error { return fn(string(text)) })
}

type textSink struct {
	call  *call
	write func([]byte) error
}

// On_text is called by the library.
func (s *textSink) On_text(text *byte, count int64) int {
	return s.call.guard(func() error { return s.write(borrowedBytes(text, count)) })
}

func (s *Session) generate(ctx context.Context, how GenerateOptions, write func([]byte) error) (Generated, error) {
	options, err := nativeGenerate(how)
	if err != nil {
		return Generated{}, err
	}
	defer native.DeleteGenerateOptions(options)
	if err := begun(ctx); err != nil {
		return Generated{}, err
	}
	done, err := s.use()
	if err != nil {
		return Generated{}, err
	}
	defer done()
	sampling := nativeSampling(how.Sampling)
	defer native.DeleteQuant_sampling(sampling)
	c := newCall(ctx)
	sink := native.NewDirectorTextSink(&textSink{call: c, write: write})
	defer native.DeleteDirectorTextSink(sink)
	result := s.native.Generate(options, sampling, sink, c.progress(how.OnPrefill), c.outcome)
	defer native.DeleteQuant_generate_result(result)
	return generated(result), c.finish()
}

func nativeGenerate(how GenerateOptions) (native.GenerateOptions, error) {
	var sizes counts
	most := sizes.u32("MaxTokens", how.MaxTokens)
	if sizes.err != nil {
		return nil, sizes.err
	}
	n := native.NewGenerateOptions()
	n.SetPrompt(how.Prompt)
	n.SetText_flags(promptFlags(how.NoAddSpecial, how.NoParseSpecial))
	n.SetWhole(how.Whole)
	n.SetMax_tokens(most)
	return n, nil
}

func generated(r native.Quant_generate_result) Generated {
	return Generated{
		Stop: Stop(r.GetStop()), PromptTokens: int(r.GetPrompt_tokens()), CachedTokens: int(r.GetCached_tokens()),
		GeneratedTokens: int(r.GetGenerated_tokens()), PrefillTime: seconds(r.GetPrefill_seconds()),
		DecodeTime: seconds(r.GetDecode_seconds()), Seed: r.GetSeed(), DraftedTokens: int(r.GetDrafted_tokens()),
		AcceptedTokens: int(r.GetAccepted_tokens()),
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
