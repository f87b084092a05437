package quant

import (
	"unsafe"

	"quant/native"
)

// Tokenizer is a vocabulary, without a model. Goroutines may share it.
type Tokenizer struct {
	closer
	native native.Tokenizer
}

// OpenTokenizer opens that of a GGUF file (one with nothing but a vocabulary will do), a tokenizer.json, or a folder
// that holds one.
func OpenTokenizer(path string) (*Tokenizer, error) {
	if err := checkNames("the path", path); err != nil {
		return nil, err
	}
	c := newCall(nil)
	made := native.TokenizerOpen(path, c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	t := &Tokenizer{native: made}
	t.h = newHandle(func() { native.DeleteTokenizer(made) })
	closeUnreachable(t)
	return t, nil
}

// Size is how many ids it has.
func (t *Tokenizer) Size() (int, error) {
	if err := t.h.acquire(); err != nil {
		return 0, err
	}
	defer t.h.release()
	return int(t.native.Size()), nil
}

// Tokenize makes ids of text, which may be any bytes.
func (t *Tokenizer) Tokenize(text string, flags TextFlags) ([]int32, error) {
	if err := t.h.acquire(); err != nil {
		return nil, err
	}
	defer t.h.release()
	return tokenize(t.native, text, flags)
}

// TokenizeBytes is Tokenize of bytes.
func (t *Tokenizer) TokenizeBytes(text []byte, flags TextFlags) ([]int32, error) {
	return t.Tokenize(borrowedString(text), flags)
}

// Detokenize makes text of ids: bytes, which are UTF-8 where the tokens are whole characters.
func (t *Tokenizer) Detokenize(ids []int32, flags TextFlags) (string, error) {
	if err := t.h.acquire(); err != nil {
		return "", err
	}
	defer t.h.release()
	return detokenize(t.native, ids, flags)
}

// What tokenizers and models have in common.
type nativeTokenizer interface {
	Tokenize(text string, flags uint, outcome native.Outcome) []int32
	Detokenize(ids []int32, count int64, flags uint, outcome native.Outcome) string
}

func tokenize(t nativeTokenizer, text string, flags TextFlags) ([]int32, error) {
	c := newCall(nil)
	ids := t.Tokenize(text, uint(flags), c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	return ids, nil
}

func detokenize(t nativeTokenizer, ids []int32, flags TextFlags) (string, error) {
	c := newCall(nil)
	text := t.Detokenize(ids, int64(len(ids)), uint(flags), c.outcome)
	if err := c.finish(); err != nil {
		return "", err
	}
	return text, nil
}

// borrowedString is the bytes as a string for the time of a call.
func borrowedString(b []byte) string { return *(*string)(unsafe.Pointer(&b)) }

// borrowedBytes is memory of the library's for the time of a callback.
func borrowedBytes(text *byte, count int64) []byte {
	if count <= 0 {
		return nil
	}
	return unsafe.Slice(text, int(count))
}
