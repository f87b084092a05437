package quant

// TextFlags is what tokenizing and detokenizing do with special tokens.
type TextFlags uint32

// Flags to combine.
const (
	AddSpecial   TextFlags = 1 // Add the BOS and EOS tokens that the model wants.
	ParseSpecial TextFlags = 2 // Special tokens written in the text become their ids.
	SkipSpecial  TextFlags = 4 // Detokenize: leave special tokens out.
)

// promptFlags is of options whose zero value is the default.
func promptFlags(noAdd, noParse bool) uint {
	flags := AddSpecial | ParseSpecial
	if noAdd {
		flags &^= AddSpecial
	}
	if noParse {
		flags &^= ParseSpecial
	}
	return uint(flags)
}
