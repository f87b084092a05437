package quant

import (
	"context"
	"encoding/json"

	"quant/native"
)

// Override gives the tensors whose name the pattern matches one encoding.
type Override struct {
	Pattern  string // A regular expression (PCRE2), searched in the GGUF tensor name.
	Encoding string // Name of an encoding, "Q6_K".
}

// QuantizeOptions is how to quantize; Type or Plan is set, all else may be left zero.
type QuantizeOptions struct {
	Type              string          // Name of a type mix, in any case.
	Plan              json.RawMessage // A plan document, instead of a type.
	Method            Method
	Overrides         []Override // The first that matches wins.
	ImportancePath    string     // An importance file.
	MomentsPath       string     // A file of second moments, for MethodFeedback and MethodBest.
	CalibrationText   string     // What they need instead of that, and MethodImportance without a file.
	CalibrationTokens int64      // At most so many of it; 0: all.
	Progress          ProgressFunc
}

// Plan is what becomes of every tensor of a model. One call at a time.
type Plan struct {
	closer
	native   native.Plan
	progress ProgressFunc
}

// NewPlan reads the headers of a GGUF file or a Hugging Face folder and decides. It writes nothing.
func NewPlan(path string, how QuantizeOptions) (*Plan, error) {
	if err := how.check(path); err != nil {
		return nil, err
	}
	options, err := how.native()
	if err != nil {
		return nil, err
	}
	defer native.DeleteQuantizeOptions(options)
	c := newCall(nil)
	made := native.PlanMake(path, options, c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	p := &Plan{native: made, progress: how.Progress}
	p.h = newHandle(func() { native.DeletePlan(made) })
	p.h.one = true
	closeUnreachable(p)
	return p, nil
}

func (how *QuantizeOptions) check(path string) error {
	for _, o := range how.Overrides {
		if err := checkNames("a pattern", o.Pattern, "an encoding's name", o.Encoding); err != nil {
			return err
		}
	}
	return checkNames("the path", path, "the type", how.Type, "the plan", string(how.Plan), "ImportancePath",
		how.ImportancePath, "MomentsPath", how.MomentsPath)
}

func (how *QuantizeOptions) native() (native.QuantizeOptions, error) {
	var sizes counts
	tokens := sizes.u64("CalibrationTokens", how.CalibrationTokens)
	if sizes.err != nil {
		return nil, sizes.err
	}
	n := native.NewQuantizeOptions()
	n.SetXtype(how.Type)
	n.SetPlan_json(string(how.Plan))
	n.SetMethod(int(how.Method))
	for _, o := range how.Overrides {
		n.Add_override(o.Pattern, o.Encoding)
	}
	n.SetImportance_path(how.ImportancePath)
	n.SetMoments_path(how.MomentsPath)
	n.SetCalibration_text(how.CalibrationText)
	n.SetCalibration_tokens(tokens)
	return n, nil
}

// PlanSummary is sums over a plan.
type PlanSummary struct {
	Type          string // The mix, as the table spells it.
	Tensors       int
	Parameters    uint64
	SourceBytes   uint64 // Of the source's files.
	OutputBytes   uint64 // Of the file to be, exactly.
	BitsPerWeight float64
	Fallbacks     int     // Tensors that did not get what the mix wants.
	Requantizes   bool    // The source itself is quantized, so that losses add up.
	PredictedKLD  float64 // Of a plan document: mean KL divergence, nats a token; else -1.
}

// Summary sums the plan up.
func (p *Plan) Summary() (PlanSummary, error) {
	if err := p.h.acquire(); err != nil {
		return PlanSummary{}, err
	}
	defer p.h.release()
	c := newCall(nil)
	s := p.native.Summary(c.outcome)
	defer native.DeleteQuant_plan_summary(s)
	if err := c.finish(); err != nil {
		return PlanSummary{}, err
	}
	return PlanSummary{
		Type: s.GetXtype(), Tensors: int(s.GetTensors()), Parameters: s.GetParameters(), SourceBytes: s.GetSource_bytes(),
		OutputBytes: s.GetOutput_bytes(), BitsPerWeight: s.GetBits_per_weight(), Fallbacks: int(s.GetFallbacks()),
		Requantizes: s.GetRequantizes() != 0, PredictedKLD: s.GetPredicted_kld(),
	}, nil
}

// PlanTensor is a tensor of a plan.
type PlanTensor struct {
	Name       string // In the GGUF file to be.
	SourceName string
	SourceType string
	Shape      []uint64 // Row-major.
	Encoding   Encoding // What it becomes.
	Fallback   bool     // The row length forced another encoding than the mix wants.
	Method     Method   // How; after Run what MethodBest chose.
	Bytes      uint64
	RMSE       float64 // Root mean squared error; -1 until Run.
	Relative   float64 // RMSE divided by the RMS of the weights; -1 until then.
}

// Tensors lists the plan's tensors, in the order of the file.
func (p *Plan) Tensors() ([]PlanTensor, error) {
	summary, err := p.Summary()
	if err != nil {
		return nil, err
	}
	if err := p.h.acquire(); err != nil {
		return nil, err
	}
	defer p.h.release()
	all := make([]PlanTensor, 0, summary.Tensors)
	for i := 0; i < summary.Tensors; i++ {
		tensor, err := p.tensor(int64(i))
		if err != nil {
			return nil, err
		}
		all = append(all, tensor)
	}
	return all, nil
}

func (p *Plan) tensor(index int64) (PlanTensor, error) {
	c := newCall(nil)
	t := p.native.Tensor(index, c.outcome)
	defer native.DeleteQuant_plan_tensor(t)
	if err := c.finish(); err != nil {
		return PlanTensor{}, err
	}
	shape := make([]uint64, t.GetDims())
	for i := range shape {
		shape[i] = uint64(t.Extent(i))
	}
	return PlanTensor{
		Name: t.GetName(), SourceName: t.GetSource_name(), SourceType: t.GetSource_type(),
		Shape: shape, Encoding: Encoding(t.GetEncoding()), Fallback: t.GetFallback() != 0,
		Method: Method(t.GetMethod()), Bytes: t.GetBytes(), RMSE: t.GetRmse(), Relative: t.GetRelative(),
	}, nil
}

// Run carries the plan out: it writes a GGUF file, which appears under its name complete or not at all. Progress of the
// options is called; units are weights.
func (p *Plan) Run(ctx context.Context, output string) error {
	if err := checkNames("the path", output); err != nil {
		return err
	}
	if err := begun(ctx); err != nil {
		return err
	}
	if err := p.h.acquire(); err != nil {
		return err
	}
	defer p.h.release()
	c := newCall(ctx)
	p.native.Run(output, c.progress(p.progress), c.outcome)
	return c.finish()
}

// Quantize plans and runs: of the model at `path` it writes a GGUF file.
func Quantize(ctx context.Context, path, output string, how QuantizeOptions) error {
	plan, err := NewPlan(path, how)
	if err != nil {
		return err
	}
	defer plan.Close()
	return plan.Run(ctx, output)
}

// Target is what a plan is to keep within; one of the first three is set.
type Target struct {
	FileBytes     uint64  // The whole file at most.
	BitsPerWeight float64 // 8 * tensor bytes / parameters at most.
	MaxKLD        float64 // Predicted mean KL divergence at most, nats a token.
	Method        Method  // By which the plan will be carried out.
	Text          string  // That sensitivities are measured on.
	Tokens        int64   // At most so many of it; 0: 4096.
	Progress      ProgressFunc
}

// SearchPlan chooses the encoding of every matrix for the least divergence within a target. What comes is for
// QuantizeOptions.Plan.
func SearchPlan(ctx context.Context, path string, target Target) (json.RawMessage, error) {
	if err := checkNames("the path", path); err != nil {
		return nil, err
	}
	if err := begun(ctx); err != nil {
		return nil, err
	}
	var sizes counts
	tokens := sizes.u64("Tokens", target.Tokens)
	if sizes.err != nil {
		return nil, sizes.err
	}
	c := newCall(ctx)
	text := native.Search_plan(path, target.FileBytes, target.BitsPerWeight, target.MaxKLD, int(target.Method),
		target.Text, tokens, c.progress(target.Progress), c.outcome)
	if err := cancelled(c); err != nil {
		return nil, err
	}
	return json.RawMessage(text), nil
}
