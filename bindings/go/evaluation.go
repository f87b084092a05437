package quant

import (
	"context"
	"time"

	"quant/native"
)

// EvalOptions is what to measure on: start with DefaultEvalOptions, and change what you need.
type EvalOptions struct {
	ContextLength int // Tokens a chunk; 0: 512, or the model's own where shorter.
	Chunks        int // At most so many; 0: all whole chunks of the text.
	Activations   Activations
	KeyType       Encoding     // What the model's keys are kept as, F32 (default), F16, BF16, Q8_0 or Q4_0.
	ValueType     Encoding     // Likewise values.
	Progress      ProgressFunc // Units are chunks; Detail has running values.
}

// DefaultEvalOptions is what the library does where nothing is said.
func DefaultEvalOptions() EvalOptions {
	n := native.NewQuant_eval_options()
	defer native.DeleteQuant_eval_options(n)
	return EvalOptions{
		ContextLength: int(n.GetContext_length()), Chunks: int(n.GetChunks()),
		Activations: Activations(n.GetActivations()), KeyType: Encoding(n.GetKey_type()),
		ValueType: Encoding(n.GetValue_type()),
	}
}

// Evaluation is a measurement. Values against a base are NaN where there was none. Probabilities are fractions,
// divergences are in nats for each token; what ends in SE is a standard error.
type Evaluation struct {
	ContextLength int
	Chunks        int
	Tokens        uint64 // Scored tokens.
	Activations   Activations

	Perplexity, PerplexitySE         float64
	BasePerplexity, BasePerplexitySE float64
	LnRatio, LnRatioSE               float64 // ln(Perplexity / BasePerplexity).

	KLDMean, KLDMeanSE     float64 // KL divergence of the model from the base.
	KLDMedian, KLDMedianSE float64
	KLDP99, KLDP99SE       float64
	KLDP999, KLDP999SE     float64
	KLDMax                 float64

	Top1, Top1SE     float64 // Share of tokens where both think the same token likeliest.
	DPMean, DPMeanSE float64 // Mean change of the right token's probability.
	DPRMS, DPRMSSE   float64 // Its root mean square.

	Time       time.Duration
	TextSHA256 string
}

// Evaluate measures perplexity on a text, and the divergence from a base of the same vocabulary, which may be nil, as
// may `how`.
func (m *Model) Evaluate(ctx context.Context, text string, base *Model, how *EvalOptions) (Evaluation, error) {
	if how == nil {
		defaults := DefaultEvalOptions()
		how = &defaults
	}
	options, err := nativeEval(how)
	if err != nil {
		return Evaluation{}, err
	}
	defer native.DeleteQuant_eval_options(options)
	if err := begun(ctx); err != nil {
		return Evaluation{}, err
	}
	if err := m.h.acquire(); err != nil {
		return Evaluation{}, err
	}
	defer m.h.release()
	against := native.Model(native.SwigcptrModel(0))
	if base != nil {
		if err := base.h.acquire(); err != nil {
			return Evaluation{}, err
		}
		defer base.h.release()
		against = base.native
	}
	c := newCall(ctx)
	result := native.Evaluate(m.native, against, text, options, c.progress(how.Progress), c.outcome)
	defer native.DeleteQuant_eval_result(result)
	if err := cancelled(c); err != nil {
		return Evaluation{}, err
	}
	return evaluation(result), nil
}

func nativeEval(how *EvalOptions) (native.Quant_eval_options, error) {
	var sizes counts
	context, chunks := sizes.u32("ContextLength", how.ContextLength), sizes.u32("Chunks", how.Chunks)
	if sizes.err != nil {
		return nil, sizes.err
	}
	n := native.NewQuant_eval_options()
	n.SetContext_length(context)
	n.SetChunks(chunks)
	n.SetActivations(native.Quant_activations(how.Activations))
	n.SetKey_type(native.Quant_encoding(how.KeyType))
	n.SetValue_type(native.Quant_encoding(how.ValueType))
	return n, nil
}

func evaluation(r native.Quant_eval_result) Evaluation {
	return Evaluation{
		ContextLength: int(r.GetContext_length()), Chunks: int(r.GetChunks()), Tokens: r.GetTokens(),
		Activations: Activations(r.GetActivations()),
		Perplexity:  r.GetPpl(), PerplexitySE: r.GetPpl_se(), BasePerplexity: r.GetBase_ppl(),
		BasePerplexitySE: r.GetBase_ppl_se(), LnRatio: r.GetLn_ratio(), LnRatioSE: r.GetLn_ratio_se(),
		KLDMean: r.GetKld_mean(), KLDMeanSE: r.GetKld_se(), KLDMedian: r.GetKld_median(),
		KLDMedianSE: r.GetKld_median_se(), KLDP99: r.GetKld_p99(), KLDP99SE: r.GetKld_p99_se(),
		KLDP999: r.GetKld_p999(), KLDP999SE: r.GetKld_p999_se(), KLDMax: r.GetKld_max(),
		Top1: r.GetTop1(), Top1SE: r.GetTop1_se(), DPMean: r.GetDp_mean(), DPMeanSE: r.GetDp_mean_se(),
		DPRMS: r.GetDp_rms(), DPRMSSE: r.GetDp_rms_se(), Time: seconds(r.GetSeconds()), TextSHA256: r.GetText_sha256(),
	}
}

// nativeResult is the way back, for the catalog.
func (e *Evaluation) nativeResult() native.Quant_eval_result {
	r := native.NewQuant_eval_result()
	r.SetContext_length(uint(e.ContextLength))
	r.SetChunks(uint(e.Chunks))
	r.SetTokens(e.Tokens)
	r.SetActivations(native.Quant_activations(e.Activations))
	r.SetPpl(e.Perplexity)
	r.SetPpl_se(e.PerplexitySE)
	r.SetBase_ppl(e.BasePerplexity)
	r.SetBase_ppl_se(e.BasePerplexitySE)
	r.SetLn_ratio(e.LnRatio)
	r.SetLn_ratio_se(e.LnRatioSE)
	r.SetKld_mean(e.KLDMean)
	r.SetKld_se(e.KLDMeanSE)
	r.SetKld_median(e.KLDMedian)
	r.SetKld_median_se(e.KLDMedianSE)
	r.SetKld_p99(e.KLDP99)
	r.SetKld_p99_se(e.KLDP99SE)
	r.SetKld_p999(e.KLDP999)
	r.SetKld_p999_se(e.KLDP999SE)
	r.SetKld_max(e.KLDMax)
	r.SetTop1(e.Top1)
	r.SetTop1_se(e.Top1SE)
	r.SetDp_mean(e.DPMean)
	r.SetDp_mean_se(e.DPMeanSE)
	r.SetDp_rms(e.DPRMS)
	r.SetDp_rms_se(e.DPRMSSE)
	r.SetSeconds(e.Time.Seconds())
	r.SetText_sha256(e.TextSHA256)
	return r
}
