package quant

import (
	"context"
	"errors"
	"os"
	"time"

	"quant/native"
)

// Model is an open model: its weights stay mapped in memory. Goroutines may share it.
type Model struct {
	closer
	native native.Model
}

// OpenOptions is how to open a model; the zero value is the default.
type OpenOptions struct {
	Prefault  bool         // Read all of the files before returning, so that the first prompt does not wait for the disk.
	NUMA      string       // "auto", "shard", "mirror", "node=N", "off"; "": as QUANT_NUMA says, else "auto".
	PackCache string       // "off", "on", or a size such as "8G"; "": as QUANT_PACK_CACHE says, else "off".
	Progress  ProgressFunc // Of Prefault; units are bytes.
}

const openPrefault = 1 // QUANT_OPEN_PREFAULT

// Open opens a GGUF file, a Hugging Face folder, or what the catalog knows by that name.
func Open(name string) (*Model, error) { return OpenWith(context.Background(), name, nil) }

// OpenWith is Open with options, which may be nil.
func OpenWith(ctx context.Context, name string, how *OpenOptions) (*Model, error) {
	if how == nil {
		how = &OpenOptions{}
	}
	if err := checkNames("the model's name", name, "NUMA", how.NUMA, "PackCache", how.PackCache); err != nil {
		return nil, err
	}
	if err := begun(ctx); err != nil {
		return nil, err
	}
	path, err := pathOf(name)
	if err != nil {
		return nil, err
	}
	flags := uint(0)
	if how.Prefault {
		flags = openPrefault
	}
	c := newCall(ctx)
	made := native.ModelOpen(path, flags, how.NUMA, how.PackCache, c.progress(how.Progress), c.outcome)
	return newModel(c, made)
}

// SharedOptions is how to borrow a model; the zero value is the default.
type SharedOptions struct {
	Socket   string        // The daemon's; "": QUANT_SOCKET in the environment, else where quantd listens by default.
	Timeout  time.Duration // For the daemon's answer; 0: 300 seconds.
	Verify   bool          // Compare the packed weights with their checksums, which reads all of them.
	Progress ProgressFunc  // While the daemon loads the model.
}

const sharedVerify = 1 // QUANT_SHARED_VERIFY

// OpenShared borrows a model from the daemon: its memory is one copy for all processes. `name` is of the daemon's
// catalog. ErrUnavailable: no daemon answers. `how` may be nil.
func OpenShared(ctx context.Context, name string, how *SharedOptions) (*Model, error) {
	if how == nil {
		how = &SharedOptions{}
	}
	if err := checkNames("the model's name", name, "the socket", how.Socket); err != nil {
		return nil, err
	}
	if err := begun(ctx); err != nil {
		return nil, err
	}
	flags := uint(0)
	if how.Verify {
		flags = sharedVerify
	}
	c := newCall(ctx)
	made := native.ModelOpen_shared(name, flags, how.Socket, how.Timeout.Seconds(), c.progress(how.Progress), c.outcome)
	return newModel(c, made)
}

// newModel ends the call that has opened a model.
func newModel(c *call, made native.Model) (*Model, error) {
	if err := cancelled(c); err != nil {
		if made.Swigcptr() != 0 {
			native.DeleteModel(made)
		}
		return nil, err
	}
	m := &Model{native: made}
	m.h = newHandle(func() { native.DeleteModel(made) })
	closeUnreachable(m)
	return m, nil
}

// pathOf asks the catalog for what is no path. Where there is no catalog, a name is a path that does not exist.
func pathOf(name string) (string, error) {
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	catalog, err := OpenCatalog("")
	if err != nil {
		return name, nil
	}
	defer catalog.Close()
	path, err := catalog.Resolve(name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return name, nil
	}
	return path, err
}

// Pooling is how the states of a text's tokens become its embedding.
type Pooling int

// The kinds of pooling.
const (
	PoolingDefault Pooling = 0 // As the model was trained.
	PoolingNone    Pooling = 1 // Not at all: one embedding for each token.
	PoolingMean    Pooling = 2
	PoolingLast    Pooling = 3 // The last token's.
	PoolingCLS     Pooling = 4 // The first token's.
)

// Activations is what activations are rounded to before a product with quantized weights.
type Activations int

// The kinds of activations.
const (
	ActivationsF32  Activations = 0 // Not at all.
	ActivationsInt8 Activations = 1 // To 8 bits for each block, as CPU runtimes of GGUF files do.
)

// ModelInfo is what a model is.
type ModelInfo struct {
	Name             string
	Architecture     string // "llama" ...
	Type             string // Of most weights: "Q4_K_M", "BF16".
	Parameters       uint64
	FileBytes        uint64
	BitsPerWeight    float64 // 8 * bytes of tensors / Parameters.
	ContextLength    int     // That it was trained for.
	VocabularySize   int
	EmbeddingLength  int
	Layers           int
	Heads            int
	KVHeads          int
	HasChatTemplate  bool
	KVBytesPerToken  uint64 // That a session keeps of each token of its context.
	Generates        bool   // Else it is an encoder, which makes embeddings only.
	Pooling          Pooling
	EmbeddingContext int // Tokens of a text that its embeddings were trained with at most.
}

// Info tells what it is.
func (m *Model) Info() (ModelInfo, error) {
	if err := m.h.acquire(); err != nil {
		return ModelInfo{}, err
	}
	defer m.h.release()
	c := newCall(nil)
	i := m.native.Info(c.outcome)
	defer native.DeleteQuant_model_info(i)
	if err := c.finish(); err != nil {
		return ModelInfo{}, err
	}
	return ModelInfo{
		Name: i.GetName(), Architecture: i.GetArchitecture(), Type: i.GetType_name(), Parameters: i.GetParameters(),
		FileBytes: i.GetFile_bytes(), BitsPerWeight: i.GetBits_per_weight(), ContextLength: int(i.GetContext_length()),
		VocabularySize: int(i.GetVocabulary_size()), EmbeddingLength: int(i.GetEmbedding_length()),
		Layers: int(i.GetLayers()), Heads: int(i.GetHeads()), KVHeads: int(i.GetKv_heads()),
		HasChatTemplate: i.GetHas_chat_template() != 0, KVBytesPerToken: i.GetKv_bytes_per_token(),
		Generates: i.GetGenerates() != 0, Pooling: Pooling(i.GetPooling()),
		EmbeddingContext: int(i.GetEmbedding_context_length()),
	}, nil
}

// Tokenize makes ids of text, which may be any bytes.
func (m *Model) Tokenize(text string, flags TextFlags) ([]int32, error) {
	if err := m.h.acquire(); err != nil {
		return nil, err
	}
	defer m.h.release()
	return tokenize(m.native, text, flags)
}

// TokenizeBytes is Tokenize of bytes.
func (m *Model) TokenizeBytes(text []byte, flags TextFlags) ([]int32, error) {
	return m.Tokenize(borrowedString(text), flags)
}

// Detokenize makes text of ids: bytes, which are UTF-8 where the tokens are whole characters.
func (m *Model) Detokenize(ids []int32, flags TextFlags) (string, error) {
	if err := m.h.acquire(); err != nil {
		return "", err
	}
	defer m.h.release()
	return detokenize(m.native, ids, flags)
}

// RenderChat is Render with the model's own template; ErrNotFound where it has none.
func (m *Model) RenderChat(messages interface{}, how *RenderOptions) (string, error) {
	options, err := nativeRender(messages, how)
	if err != nil {
		return "", err
	}
	defer native.DeleteRenderOptions(options)
	if err := m.h.acquire(); err != nil {
		return "", err
	}
	defer m.h.release()
	c := newCall(nil)
	text := m.native.Render_chat(options, c.outcome)
	if err := c.finish(); err != nil {
		return "", err
	}
	return text, nil
}
