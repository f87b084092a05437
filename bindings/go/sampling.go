package quant

import "quant/native"

// Sampling is how the next token is chosen: begin with DefaultSampling or Greedy, and change what you need.
type Sampling struct {
	Temperature      float32 // 0 to 100; 0: greedy, whatever the rest says but for penalties. Default 0.8.
	TopK             uint32  // Keep the k likeliest; 0: all. Default 40.
	TopP             float32 // Keep the likeliest whose sum reaches p, over 0 to 1; 1: all. Default 0.95.
	MinP             float32 // Drop what is less likely than MinP times the likeliest. Default 0.05.
	TypicalP         float32 // Keep those whose surprise is nearest to the expected; 1 (default): all.
	RepeatPenalty    float32 // Divides positive and multiplies negative logits of recent tokens; 1: off.
	RepeatLastN      uint32  // How many tokens are recent; 0: none; math.MaxUint32: the whole context. Default 64.
	PresencePenalty  float32 // -2 to 2, subtracted from the logits of recent tokens.
	FrequencyPenalty float32 // -2 to 2, subtracted as often as the token occurs.
	PenalizePrompt   bool    // The prompt's tokens are recent ones, too. Default true.
	Seed             uint64  // The same seed gives the same text; 0: a random one.
	Mirostat         uint32  // 1 or 2: keep surprise near MirostatTau by that version of Mirostat; 0: off.
	MirostatTau      float32
	MirostatEta      float32
}

// DefaultSampling is what the library does where nothing is said.
func DefaultSampling() Sampling {
	n := native.NewQuant_sampling()
	defer native.DeleteQuant_sampling(n)
	return Sampling{
		Temperature: n.GetTemperature(), TopK: uint32(n.GetTop_k()), TopP: n.GetTop_p(), MinP: n.GetMin_p(),
		TypicalP: n.GetTypical_p(), RepeatPenalty: n.GetRepeat_penalty(), RepeatLastN: uint32(n.GetRepeat_last_n()),
		PresencePenalty: n.GetPresence_penalty(), FrequencyPenalty: n.GetFrequency_penalty(),
		PenalizePrompt: n.GetPenalize_prompt() != 0, Seed: n.GetSeed(), Mirostat: uint32(n.GetMirostat()),
		MirostatTau: n.GetMirostat_tau(), MirostatEta: n.GetMirostat_eta(),
	}
}

// Greedy takes the likeliest token each time.
func Greedy() *Sampling {
	s := DefaultSampling()
	s.Temperature = 0
	return &s
}

// nativeSampling is freed by the caller; of nil it is the default.
func nativeSampling(s *Sampling) native.Quant_sampling {
	n := native.NewQuant_sampling()
	if s == nil {
		return n
	}
	n.SetTemperature(s.Temperature)
	n.SetTop_k(uint(s.TopK))
	n.SetTop_p(s.TopP)
	n.SetMin_p(s.MinP)
	n.SetTypical_p(s.TypicalP)
	n.SetRepeat_penalty(s.RepeatPenalty)
	n.SetRepeat_last_n(uint(s.RepeatLastN))
	n.SetPresence_penalty(s.PresencePenalty)
	n.SetFrequency_penalty(s.FrequencyPenalty)
	n.SetPenalize_prompt(b2i(s.PenalizePrompt))
	n.SetSeed(s.Seed)
	n.SetMirostat(uint(s.Mirostat))
	n.SetMirostat_tau(s.MirostatTau)
	n.SetMirostat_eta(s.MirostatEta)
	return n
}
