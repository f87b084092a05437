package quant

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"quant/native"
)

func TestNumbersAreThoseOfTheHeader(t *testing.T) {
	for _, pair := range [][2]int{
		{int(MethodDefault), int(native.QUANT_METHOD_DEFAULT)}, {int(MethodRound), int(native.QUANT_METHOD_ROUND)},
		{int(MethodSearch), int(native.QUANT_METHOD_SEARCH)}, {int(MethodImportance), int(native.QUANT_METHOD_IMPORTANCE)},
		{int(MethodFeedback), int(native.QUANT_METHOD_FEEDBACK)}, {int(MethodBest), int(native.QUANT_METHOD_BEST)},
		{int(PoolingDefault), int(native.QUANT_POOLING_DEFAULT)}, {int(PoolingNone), int(native.QUANT_POOLING_NONE)},
		{int(PoolingMean), int(native.QUANT_POOLING_MEAN)}, {int(PoolingLast), int(native.QUANT_POOLING_LAST)},
		{int(PoolingCLS), int(native.QUANT_POOLING_CLS)}, {int(ActivationsF32), int(native.QUANT_ACTIVATIONS_F32)},
		{int(ActivationsInt8), int(native.QUANT_ACTIVATIONS_INT8)}, {int(StopEnd), int(native.QUANT_STOP_END)},
		{int(StopLength), int(native.QUANT_STOP_LENGTH)}, {int(StopContext), int(native.QUANT_STOP_CONTEXT)},
		{int(StopCaller), int(native.QUANT_STOP_CALLER)}, {int(StopText), int(native.QUANT_STOP_TEXT)},
		{int(AddSpecial), native.QUANT_TEXT_ADD_SPECIAL}, {int(ParseSpecial), native.QUANT_TEXT_PARSE_SPECIAL},
		{int(SkipSpecial), native.QUANT_TEXT_SKIP_SPECIAL}, {openPrefault, native.QUANT_OPEN_PREFAULT},
		{sharedVerify, native.QUANT_SHARED_VERIFY}, {int(LogDebug), int(native.QUANT_LOG_DEBUG)},
		{int(LogInfo), int(native.QUANT_LOG_INFO)}, {int(LogWarning), int(native.QUANT_LOG_WARNING)},
		{int(LogError), int(native.QUANT_LOG_ERROR)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%d here is %d in C", pair[0], pair[1])
		}
	}
}

func TestEveryStatusHasItsNameInC(t *testing.T) {
	for i := range statusNames {
		want := strings.TrimPrefix(strings.TrimPrefix(native.Status_name(i), "QUANT_"), "ERR_")
		if got := Status(i).String(); got != want {
			t.Errorf("%d is %s, in C %s", i, got, want)
		}
	}
	if name := native.Status_name(len(statusNames)); name != "QUANT_ERR_?" {
		t.Errorf("C has %s, which is not here", name)
	}
}

func TestEveryEncodingHasAConstant(t *testing.T) {
	constants := map[string]Encoding{
		"F32": F32, "F16": F16, "Q4_0": Q4_0, "Q4_1": Q4_1, "Q5_0": Q5_0, "Q5_1": Q5_1, "Q8_0": Q8_0, "Q2_K": Q2_K,
		"Q3_K": Q3_K, "Q4_K": Q4_K, "Q5_K": Q5_K, "Q6_K": Q6_K, "IQ2_XXS": IQ2_XXS, "IQ2_XS": IQ2_XS, "IQ3_XXS": IQ3_XXS,
		"IQ1_S": IQ1_S, "IQ4_NL": IQ4_NL, "IQ3_S": IQ3_S, "IQ2_S": IQ2_S, "IQ4_XS": IQ4_XS, "IQ1_M": IQ1_M, "BF16": BF16,
		"TQ1_0": TQ1_0, "TQ2_0": TQ2_0, "MXFP4": MXFP4, "NVFP4": NVFP4, "Q1_0": Q1_0, "Q2_0": Q2_0,
		"INT2_G32": INT2_G32, "INT2_G64": INT2_G64, "INT2_G128": INT2_G128, "INT3_G32": INT3_G32,
		"INT3_G64": INT3_G64, "INT3_G128": INT3_G128, "INT4_G32": INT4_G32, "INT4_G64": INT4_G64,
		"INT4_G128": INT4_G128, "INT8_G32": INT8_G32, "INT8_G64": INT8_G64, "INT8_G128": INT8_G128,
		"AFFINE2_G32": AFFINE2_G32, "AFFINE2_G64": AFFINE2_G64, "AFFINE2_G128": AFFINE2_G128,
		"AFFINE3_G32": AFFINE3_G32, "AFFINE3_G64": AFFINE3_G64, "AFFINE3_G128": AFFINE3_G128,
		"AFFINE4_G32": AFFINE4_G32, "AFFINE4_G64": AFFINE4_G64, "AFFINE4_G128": AFFINE4_G128,
		"AFFINE5_G32": AFFINE5_G32, "AFFINE5_G64": AFFINE5_G64, "AFFINE5_G128": AFFINE5_G128,
		"AFFINE6_G32": AFFINE6_G32, "AFFINE6_G64": AFFINE6_G64, "AFFINE6_G128": AFFINE6_G128,
		"AFFINE8_G32": AFFINE8_G32, "AFFINE8_G64": AFFINE8_G64, "AFFINE8_G128": AFFINE8_G128, "NF4_G32": NF4_G32,
		"NF4_G64": NF4_G64, "FP4_G32": FP4_G32, "FP4_G64": FP4_G64, "ABSMAX8_G32": ABSMAX8_G32,
		"ABSMAX8_G128": ABSMAX8_G128, "E4M3_G32": E4M3_G32, "E4M3_G128": E4M3_G128, "E5M2_G32": E5M2_G32,
		"E5M2_G128": E5M2_G128, "TQ2_G32": TQ2_G32, "TQ2_G128": TQ2_G128, "NVFP4_G32": NVFP4_G32,
		"NVFP4_G64": NVFP4_G64, "NVFP4_G256": NVFP4_G256,
	}
	all := Encodings()
	if len(all) != len(constants) {
		t.Errorf("%d encodings, %d constants", len(all), len(constants))
	}
	for _, info := range all {
		if id, ok := constants[info.Name]; !ok || id != info.ID || id.String() != info.Name {
			t.Errorf("%s is %d, and here %d, %v", info.Name, info.ID, id, id)
		}
		if bits := 8 * float64(info.BlockBytes) / float64(info.BlockWeights); bits != info.BitsPerWeight {
			t.Errorf("%s has %v bits, not %v", info.Name, bits, info.BitsPerWeight)
		}
		if found, err := FindEncoding(strings.ToLower(info.Name)); err != nil || found != info.ID {
			t.Errorf("%s is found as %v, %v", info.Name, found, err)
		}
	}
}

func TestTypesAreListedSmallestFirst(t *testing.T) {
	types := Types()
	if len(types) == 0 {
		t.Fatal("no types")
	}
	for i, mix := range types {
		if mix.Name == "" || mix.Summary == "" || i > 0 && mix.BitsPerWeight < types[i-1].BitsPerWeight {
			t.Errorf("type %d is %+v", i, mix)
		}
	}
}

func TestErrorsAreFoundByStatusAndByWhatGoCallsThem(t *testing.T) {
	_, err := OpenTokenizer("/nowhere/at/all")
	wantError(t, err, ErrNotFound)
	wantError(t, err, fs.ErrNotExist)
	if errors.Is(err, ErrFormat) || errors.Is(err, fs.ErrExist) {
		t.Error("an error is found as another")
	}
	var failure *Error
	if !errors.As(err, &failure) || !strings.Contains(failure.Message, "/nowhere/at/all") {
		t.Errorf("the message does not name the path: %v", err)
	}
	_, err = FindEncoding("Q4_0\x00")
	wantError(t, err, ErrArgument)
}

func TestVersionAndMachine(t *testing.T) {
	if !strings.HasPrefix(Version(), "0.") {
		t.Errorf("version %s", Version())
	}
	text, err := DescribeMachine(false)
	must(t, err)
	if !strings.HasPrefix(string(text), "{") {
		t.Errorf("no JSON: %.60s", text)
	}
}
