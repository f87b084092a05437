// AMX in software, for machines without it: its instructions are illegal there, and a handler of
// that signal does what they would have done and goes on behind them. So the machine code of the
// tier is what is tested, at a thousandth of its speed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quant::test {

/// How the bytes of two operands are meant.
struct ByteSigns {
    bool first, second;
};

/// The tile registers of a thread, and what the instructions do with them, as Intel's manual (SDM,
/// volume 2) says. What it lets fault ends the program, with a word about it.
class AmxTiles {
public:
    static constexpr int count = 8;
    static constexpr size_t most_rows = 16, most_bytes = 64;

    void load_config(const void *from); ///< LDTILECFG: 64 bytes.
    void store_config(void *to) const;  ///< STTILECFG
    void release();                     ///< TILERELEASE
    void zero(int tile);                ///< TILEZERO
    void load(int tile, const std::byte *from, ptrdiff_t stride); ///< TILELOADD, TILELOADDT1
    void store(int tile, std::byte *to, ptrdiff_t stride);        ///< TILESTORED
    void multiply_bytes(int sums, int a, int b, ByteSigns signs); ///< TDPBUUD, TDPBUSD, TDPBSUD, TDPBSSD
    void multiply_bf16(int sums, int a, int b);                   ///< TDPBF16PS

private:
    struct Tile {
        alignas(64) std::byte rows[most_rows][most_bytes];
        size_t row_count, bytes;
    };

    Tile &configured(int tile);
    void check_product(int sums, int a, int b);
    static void zero_outside(Tile &tile);

    Tile tiles_[count] = {};
    uint8_t palette_ = 0, first_row_ = 0;
};

/// From now on this process's AMX instructions are emulated. Catch2 puts handlers of its own in place for
/// each test case and takes them back behind it, so this is called in each.
void emulate_amx();

} // namespace quant::test
