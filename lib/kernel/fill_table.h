// How a tier's table.def becomes its KernelTable. Included once by each tier, inside
// the namespace of its kernels, with QUANT_TIER_NAME and QUANT_TIER_DEF set; with QUANT_TIER_BASE
// the table begins as that one, whose kernels then are not compiled again.
#define VECTOR(operation, symbol) table.vector.operation = symbol;
#define GEMM(symbol) table.gemm = symbol;
#define ATTENTION(operation, symbol) table.attention.operation = symbol;
#define PAIRS(operation, symbol) table.pairs.operation = symbol;
#define INT8(operation, symbol) table.int8.operation = symbol;
#define EXPAND(encoding, symbol, group)                                                                        \
    table.encodings[QUANT_##encoding].expand = symbol, table.encodings[QUANT_##encoding].expand_group = group;
#define EXPAND_PANEL(encoding, symbol) table.encodings[QUANT_##encoding].expand_panel = symbol;
#define PANEL(encoding, symbol) table.encodings[QUANT_##encoding].panel = symbol;
#define DECODE(encoding, symbol) table.encodings[QUANT_##encoding].decode = symbol;
#define DOT(encoding, symbol) table.encodings[QUANT_##encoding].dot = symbol;
#define ENCODED_GEMM(encoding, symbol) table.encodings[QUANT_##encoding].gemm = symbol;

#ifndef QUANT_TIER_BASE
#define QUANT_TIER_BASE {}
#endif

static KernelTable fill_table() {
    KernelTable table = QUANT_TIER_BASE;
    table.tier = QUANT_TIER_NAME;
#include QUANT_TIER_DEF
    return table;
}

#undef VECTOR
#undef GEMM
#undef ATTENTION
#undef PAIRS
#undef INT8
#undef EXPAND
#undef EXPAND_PANEL
#undef PANEL
#undef DECODE
#undef DOT
#undef ENCODED_GEMM
