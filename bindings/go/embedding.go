package quant

import (
	"context"

	"quant/native"
)

// EmbedOptions is how to embed: start with DefaultEmbedOptions, and change what you need.
type EmbedOptions struct {
	Pooling        Pooling
	Normalize      bool // Embeddings have length 1, so that their product is the cosine. Default true.
	Dimensions     int  // Only so many are kept, before normalizing; 0: all.
	NoAddSpecial   bool // As in GenerateOptions.
	NoParseSpecial bool
	Truncate       bool // A text that is too long loses its end; else it is an error.
	Activations    Activations
	Progress       ProgressFunc // Between batches of tokens.
}

// DefaultEmbedOptions is what the library does where nothing is said.
func DefaultEmbedOptions() EmbedOptions {
	n := native.NewQuant_embedding_options()
	defer native.DeleteQuant_embedding_options(n)
	return EmbedOptions{
		Pooling: Pooling(n.GetPooling()), Normalize: n.GetNormalize() != 0, Dimensions: int(n.GetDimensions()),
		Truncate: n.GetTruncate() != 0, Activations: Activations(n.GetActivations()),
	}
}

// Embedding is what a text became.
type Embedding struct {
	Values     []float32 // Rows x Dimensions.
	Rows       int       // 1; with PoolingNone one for each token.
	Dimensions int
	Tokens     int // That were read, special ones included.
	TokensCut  int // That the text lost to Truncate.
}

// Embed makes an embedding of each text, all together, which is faster than one by one. `how` may be nil.
func (m *Model) Embed(ctx context.Context, texts []string, how *EmbedOptions) ([]Embedding, error) {
	if how == nil {
		defaults := DefaultEmbedOptions()
		how = &defaults
	}
	options, err := nativeEmbed(how)
	if err != nil {
		return nil, err
	}
	defer native.DeleteQuant_embedding_options(options)
	if err := begun(ctx); err != nil {
		return nil, err
	}
	if err := m.h.acquire(); err != nil {
		return nil, err
	}
	defer m.h.release()
	inputs := native.NewTexts()
	defer native.DeleteTexts(inputs)
	for _, text := range texts {
		inputs.Add(text)
	}
	c := newCall(ctx)
	made := native.EmbeddingsOf(m.native, inputs, options, c.progress(how.Progress), c.outcome)
	if made.Swigcptr() != 0 {
		defer native.DeleteEmbeddings(made)
	}
	if err := cancelled(c); err != nil {
		return nil, err
	}
	return embeddings(made)
}

func nativeEmbed(how *EmbedOptions) (native.Quant_embedding_options, error) {
	var sizes counts
	dimensions := sizes.u32("Dimensions", how.Dimensions)
	if sizes.err != nil {
		return nil, sizes.err
	}
	n := native.NewQuant_embedding_options()
	n.SetPooling(native.Quant_pooling(how.Pooling))
	n.SetNormalize(b2i(how.Normalize))
	n.SetDimensions(dimensions)
	n.SetText_flags(promptFlags(how.NoAddSpecial, how.NoParseSpecial))
	n.SetTruncate(b2i(how.Truncate))
	n.SetActivations(native.Quant_activations(how.Activations))
	return n, nil
}

func embeddings(made native.Embeddings) ([]Embedding, error) {
	all := make([]Embedding, 0, made.Count())
	for i := int64(0); i < made.Count(); i++ {
		c := newCall(nil)
		e := made.At(i, c.outcome)
		one := Embedding{
			Rows: int(e.GetRows()), Dimensions: int(e.GetDimensions()), Tokens: int(e.GetTokens()),
			TokensCut: int(e.GetTokens_cut()),
		}
		native.DeleteQuant_embedding(e)
		one.Values = made.Values(i, c.outcome)
		if err := c.finish(); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
