package quant

import (
	"strconv"

	"quant/native"
)

// Encoding is how a block of weights is stored. Numbers below 256 are those of GGUF files, and never change.
type Encoding int

// The encodings. What each is, Encodings tells.
const (
	F32          Encoding = 0
	F16          Encoding = 1
	Q4_0         Encoding = 2
	Q4_1         Encoding = 3
	Q5_0         Encoding = 6
	Q5_1         Encoding = 7
	Q8_0         Encoding = 8
	Q2_K         Encoding = 10
	Q3_K         Encoding = 11
	Q4_K         Encoding = 12
	Q5_K         Encoding = 13
	Q6_K         Encoding = 14
	IQ2_XXS      Encoding = 16
	IQ2_XS       Encoding = 17
	IQ3_XXS      Encoding = 18
	IQ1_S        Encoding = 19
	IQ4_NL       Encoding = 20
	IQ3_S        Encoding = 21
	IQ2_S        Encoding = 22
	IQ4_XS       Encoding = 23
	IQ1_M        Encoding = 29
	BF16         Encoding = 30
	TQ1_0        Encoding = 34
	TQ2_0        Encoding = 35
	MXFP4        Encoding = 39
	NVFP4        Encoding = 40
	Q1_0         Encoding = 41
	Q2_0         Encoding = 42
	INT2_G32     Encoding = 256
	INT2_G64     Encoding = 257
	INT2_G128    Encoding = 258
	INT3_G32     Encoding = 259
	INT3_G64     Encoding = 260
	INT3_G128    Encoding = 261
	INT4_G32     Encoding = 262
	INT4_G64     Encoding = 263
	INT4_G128    Encoding = 264
	INT8_G32     Encoding = 265
	INT8_G64     Encoding = 266
	INT8_G128    Encoding = 267
	AFFINE2_G32  Encoding = 268
	AFFINE2_G64  Encoding = 269
	AFFINE2_G128 Encoding = 270
	AFFINE3_G32  Encoding = 271
	AFFINE3_G64  Encoding = 272
	AFFINE3_G128 Encoding = 273
	AFFINE4_G32  Encoding = 274
	AFFINE4_G64  Encoding = 275
	AFFINE4_G128 Encoding = 276
	AFFINE5_G32  Encoding = 277
	AFFINE5_G64  Encoding = 278
	AFFINE5_G128 Encoding = 279
	AFFINE6_G32  Encoding = 280
	AFFINE6_G64  Encoding = 281
	AFFINE6_G128 Encoding = 282
	AFFINE8_G32  Encoding = 283
	AFFINE8_G64  Encoding = 284
	AFFINE8_G128 Encoding = 285
	NF4_G32      Encoding = 320
	NF4_G64      Encoding = 321
	FP4_G32      Encoding = 322
	FP4_G64      Encoding = 323
	ABSMAX8_G32  Encoding = 324
	ABSMAX8_G128 Encoding = 325
	E4M3_G32     Encoding = 326
	E4M3_G128    Encoding = 327
	E5M2_G32     Encoding = 328
	E5M2_G128    Encoding = 329
	TQ2_G32      Encoding = 330
	TQ2_G128     Encoding = 331
	NVFP4_G32    Encoding = 332
	NVFP4_G64    Encoding = 333
	NVFP4_G256   Encoding = 334
)

// EncodingInfo is what an encoding is.
type EncodingInfo struct {
	ID            Encoding
	Name          string // "Q4_K".
	Family        string // "uniform", "table16", "float8", "grid", "ternary", "floats".
	Summary       string // One line for a person.
	BlockWeights  int    // Weights in a block; a row is a whole number of blocks.
	BlockBytes    int
	BitsPerWeight float64 // 8 * BlockBytes / BlockWeights.
}

// Encodings lists all that the library has.
func Encodings() []EncodingInfo {
	all := make([]EncodingInfo, 0, native.Encoding_count())
	for i := int64(0); i < native.Encoding_count(); i++ {
		all = append(all, encodingAt(i))
	}
	return all
}

func encodingAt(index int64) EncodingInfo {
	c := newCall(nil)
	info := native.Encoding_at(index, c.outcome)
	defer native.DeleteQuant_encoding_info(info)
	if err := c.finish(); err != nil {
		panic(err) // The index comes of the count.
	}
	return EncodingInfo{
		ID: Encoding(info.GetId()), Name: info.GetName(), Family: info.GetFamily(), Summary: info.GetSummary(),
		BlockWeights: int(info.GetBlock_weights()), BlockBytes: int(info.GetBlock_bytes()),
		BitsPerWeight: info.GetBits_per_weight(),
	}
}

// FindEncoding is the encoding of that name, in any case of letters. An ErrNotFound lists the names there are.
func FindEncoding(name string) (Encoding, error) {
	if err := checkNames("the encoding's name", name); err != nil {
		return 0, err
	}
	c := newCall(nil)
	found := native.Find_encoding(name, c.outcome)
	if err := c.finish(); err != nil {
		return 0, err
	}
	return Encoding(found), nil
}

// String is the encoding's name.
func (e Encoding) String() string {
	for i := int64(0); i < native.Encoding_count(); i++ {
		if info := encodingAt(i); info.ID == e {
			return info.Name
		}
	}
	return "Encoding(" + strconv.Itoa(int(e)) + ")"
}

// Size is the bytes of rows x cols weights.
func (e Encoding) Size(rows, cols int) (int, error) {
	if rows < 0 || cols < 0 {
		return 0, argumentError("%d rows of %d weights", rows, cols)
	}
	c := newCall(nil)
	bytes := native.Encoded_size(int(e), uint64(rows), uint64(cols), c.outcome)
	if err := c.finish(); err != nil {
		return 0, err
	}
	if bytes > 1<<62 {
		return 0, argumentError("%d rows of %d weights are more than memory can hold", rows, cols)
	}
	return int(bytes), nil
}

// Method is how codes and scales are chosen when encoding.
type Method int

// The methods.
const (
	MethodDefault    Method = 0 // MethodImportance where importance is given, else MethodSearch.
	MethodRound      Method = 1 // Scales from the extremes, codes to nearest. Fastest.
	MethodSearch     Method = 2 // Scale, min and codes searched for the least squared error.
	MethodImportance Method = 3 // The same by a longer search, with importance, which must be given.
	MethodFeedback   Method = 4 // Error feedback with second moments of the inputs; needs statistics.
	MethodBest       Method = 5 // For each matrix what does best on held-out inputs; needs statistics.
)

// TypeInfo is a type mix: a name users know, and the rule that gives each tensor its encoding.
type TypeInfo struct {
	Name          string // "Q4_K_M".
	Summary       string
	Encoding      Encoding // Of most tensors.
	BitsPerWeight float64  // Of that encoding; a mix comes out a little higher.
}

// Types lists the type mixes, smallest first.
func Types() []TypeInfo {
	all := make([]TypeInfo, 0, native.Type_count())
	for i := int64(0); i < native.Type_count(); i++ {
		all = append(all, typeAt(i))
	}
	return all
}

func typeAt(index int64) TypeInfo {
	c := newCall(nil)
	info := native.Type_at(index, c.outcome)
	defer native.DeleteQuant_type_info(info)
	if err := c.finish(); err != nil {
		panic(err) // The index comes of the count.
	}
	return TypeInfo{
		Name: info.GetName(), Summary: info.GetSummary(), Encoding: Encoding(info.GetEncoding()),
		BitsPerWeight: info.GetBits_per_weight(),
	}
}
