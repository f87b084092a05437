#include "amx_emulator.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

namespace quant::test {

namespace {

/// For use in a handler of signals: what an instruction may not do.
[[noreturn]] void fault(const char *what) {
    for (const char *part : {"AMX emulator: ", what, "\n"})
        if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
    std::abort();
}

void require(bool holds, const char *what) {
    if (!holds) fault(what);
}

template <class T>
T read(const void *from) {
    T out;
    std::memcpy(&out, from, sizeof out);
    return out;
}

/// As the instruction has numbers: those too small for a normal float are zeros with their sign.
inline float flushed(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }

inline float float_of_bf16(const std::byte *from) {
    const uint32_t bits = uint32_t{read<uint16_t>(from)} << 16;
    return flushed(read<float>(&bits));
}

template <bool FirstSigned, bool SecondSigned>
int32_t dot_four(const std::byte *a, const std::byte *b) {
    int32_t sum = 0;
    for (size_t i = 0; i < 4; ++i) {
        const int32_t x = FirstSigned ? static_cast<int8_t>(a[i]) : static_cast<uint8_t>(a[i]);
        const int32_t y = SecondSigned ? static_cast<int8_t>(b[i]) : static_cast<uint8_t>(b[i]);
        sum += x * y;
    }
    return sum;
}

using DotFour = int32_t (*)(const std::byte *, const std::byte *);

DotFour dot_of(ByteSigns signs) {
    if (signs.first) return signs.second ? dot_four<true, true> : dot_four<true, false>;
    return signs.second ? dot_four<false, true> : dot_four<false, false>;
}

} // namespace

void AmxTiles::load_config(const void *from) {
    const auto *bytes = static_cast<const uint8_t *>(from);
    release();
    if (bytes[0] == 0) return;
    require(bytes[0] == 1, "a palette that there is not");
    for (size_t i = 2; i < 16; ++i) require(bytes[i] == 0, "reserved bytes of the shapes");
    for (size_t i = 32; i < 48; ++i) require(bytes[i] == 0, "shapes of tiles that there are not");
    for (size_t i = 56; i < 64; ++i) require(bytes[i] == 0, "shapes of tiles that there are not");
    palette_ = 1, first_row_ = bytes[1];
    for (size_t i = 0; i < count; ++i) {
        tiles_[i].bytes = read<uint16_t>(bytes + 16 + 2 * i), tiles_[i].row_count = bytes[48 + i];
        require(tiles_[i].bytes <= most_bytes && tiles_[i].row_count <= most_rows, "a tile that is too large");
        require((tiles_[i].bytes == 0) == (tiles_[i].row_count == 0), "a tile with rows or bytes only");
    }
}

void AmxTiles::store_config(void *to) const {
    auto *bytes = static_cast<uint8_t *>(to);
    std::memset(bytes, 0, 64);
    bytes[0] = palette_, bytes[1] = first_row_;
    for (size_t i = 0; i < count; ++i) {
        const auto width = static_cast<uint16_t>(tiles_[i].bytes);
        std::memcpy(bytes + 16 + 2 * i, &width, sizeof width);
        bytes[48 + i] = static_cast<uint8_t>(tiles_[i].row_count);
    }
}

void AmxTiles::release() {
    std::memset(static_cast<void *>(tiles_), 0, sizeof tiles_);
    palette_ = first_row_ = 0;
}

AmxTiles::Tile &AmxTiles::configured(int tile) {
    require(palette_ == 1, "tiles are used before they have shapes, or after they were released");
    require(tiles_[tile].row_count != 0, "a tile without a shape");
    return tiles_[tile];
}

void AmxTiles::zero_outside(Tile &tile) {
    for (size_t r = 0; r < most_rows; ++r) {
        const size_t kept = r < tile.row_count ? tile.bytes : 0;
        std::memset(tile.rows[r] + kept, 0, most_bytes - kept);
    }
}

void AmxTiles::zero(int tile) {
    std::memset(configured(tile).rows, 0, sizeof(Tile::rows));
    first_row_ = 0;
}

void AmxTiles::load(int tile, const std::byte *from, ptrdiff_t stride) {
    Tile &to = configured(tile);
    for (size_t r = first_row_; r < to.row_count; ++r)
        std::memcpy(to.rows[r], from + static_cast<ptrdiff_t>(r) * stride, to.bytes);
    zero_outside(to);
    first_row_ = 0;
}

void AmxTiles::store(int tile, std::byte *to, ptrdiff_t stride) {
    const Tile &from = configured(tile);
    for (size_t r = first_row_; r < from.row_count; ++r)
        std::memcpy(to + static_cast<ptrdiff_t>(r) * stride, from.rows[r], from.bytes);
    first_row_ = 0;
}

void AmxTiles::check_product(int sums, int a, int b) {
    require(sums != a && sums != b && a != b, "a product of a tile with itself");
    const Tile &to = configured(sums), &left = configured(a), &right = configured(b);
    require(to.row_count == left.row_count && to.bytes == right.bytes && left.bytes == 4 * right.row_count &&
                to.bytes % 4 == 0,
            "a product of tiles whose shapes do not match");
}

void AmxTiles::multiply_bytes(int sums, int a, int b, ByteSigns signs) {
    check_product(sums, a, b);
    Tile &to = tiles_[sums];
    const DotFour dot = dot_of(signs);
    for (size_t m = 0; m < to.row_count; ++m)
        for (size_t n = 0; n < to.bytes; n += 4) {
            auto sum = read<uint32_t>(&to.rows[m][n]); // Sums wrap around.
            for (size_t k = 0; k < tiles_[b].row_count; ++k)
                sum += static_cast<uint32_t>(dot(&tiles_[a].rows[m][4 * k], &tiles_[b].rows[k][n]));
            std::memcpy(&to.rows[m][n], &sum, sizeof sum);
        }
    zero_outside(to);
    first_row_ = 0;
}

// Called where AVX-512 is there, and so is FMA: without it a fused product would be a function's work.
__attribute__((target("avx2,fma"))) void AmxTiles::multiply_bf16(int sums, int a, int b) {
    check_product(sums, a, b);
    Tile &to = tiles_[sums];
    const size_t pairs = tiles_[b].row_count, lanes = to.bytes / 4;
    constexpr size_t most_lanes = most_bytes / 4;
    for (size_t m = 0; m < to.row_count; ++m) {
        // Even and odd columns are summed on their own, then together, then with what was there.
        float even[most_lanes] = {}, odd[most_lanes] = {};
        for (size_t k = 0; k < pairs; ++k) {
            const std::byte *x = &tiles_[a].rows[m][4 * k];
            const float x_even = float_of_bf16(x), x_odd = float_of_bf16(x + 2);
            for (size_t n = 0; n < lanes; ++n) {
                const std::byte *w = &tiles_[b].rows[k][4 * n];
                even[n] = flushed(__builtin_fmaf(x_even, float_of_bf16(w), even[n]));
                odd[n] = flushed(__builtin_fmaf(x_odd, float_of_bf16(w + 2), odd[n]));
            }
        }
        for (size_t n = 0; n < lanes; ++n) {
            const float sum = flushed(flushed(read<float>(&to.rows[m][4 * n])) + flushed(even[n] + odd[n]));
            std::memcpy(&to.rows[m][4 * n], &sum, sizeof sum);
        }
    }
    zero_outside(to);
    first_row_ = 0;
}

namespace {

/// The parts of an instruction with a VEX prefix of three bytes, as all of AMX have it.
class Instruction {
public:
    enum Prefix { none, p66, pF3, pF2 };

    /// Nothing, if the bytes are not of AMX's: of map 0F38, without W and of 128 bits.
    static std::optional<Instruction> decode(const uint8_t *code) {
        if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) return std::nullopt;
        return Instruction(code);
    }

    uint8_t opcode() const { return code_[3]; }
    Prefix prefix() const { return static_cast<Prefix>(code_[2] & 3); }
    bool of_registers() const { return code_[4] >> 6 == 3; }
    int reg() const { return code_[4] >> 3 & 7; }
    int rm() const { return code_[4] & 7; }
    int third() const { return ~(code_[2] >> 3) & 7; }

    size_t size() const { return 5 + (of_registers() ? 0 : has_sib() + displacement_size()); }

    /// Where an operand in memory begins, without the part of it that counts rows.
    std::byte *address(const greg_t *registers) const {
        greg_t at = displacement();
        if (code_[4] >> 6 == 0 && rm() == 5) at += registers[REG_RIP] + static_cast<greg_t>(size());
        else if (!has_base()) {}
        else at += general(registers, (has_sib() ? code_[5] & 7 : rm()) | (extended(5) ? 8 : 0));
        return reinterpret_cast<std::byte *>(at);
    }
    /// Index times scale: what rows of a tile lie apart; 0 where there is no index.
    ptrdiff_t stride(const greg_t *registers) const {
        if (!has_sib()) return 0;
        const int index = (code_[5] >> 3 & 7) | (extended(6) ? 8 : 0);
        return index == 4 ? 0 : static_cast<ptrdiff_t>(general(registers, index) * (1 << (code_[5] >> 6)));
    }
    bool has_sib() const { return !of_registers() && rm() == 4; }

private:
    explicit Instruction(const uint8_t *code) : code_(code) {}

    /// Whether the inverted bit of R, X (6) or B (5) is given.
    bool extended(int bit) const { return (code_[1] >> bit & 1) == 0; }
    bool has_base() const { return !(code_[4] >> 6 == 0 && (rm() == 5 || (has_sib() && (code_[5] & 7) == 5))); }
    size_t displacement_size() const {
        const int mode = code_[4] >> 6;
        return mode == 1 ? 1 : mode == 2 || !has_base() ? 4 : 0;
    }
    greg_t displacement() const {
        const uint8_t *at = code_ + 5 + has_sib();
        return displacement_size() == 0 ? 0 : displacement_size() == 1 ? read<int8_t>(at) : read<int32_t>(at);
    }
    static greg_t general(const greg_t *registers, int number) {
        constexpr int places[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
        return registers[places[number]];
    }

    const uint8_t *code_;
};

bool run_state(const Instruction &in, const greg_t *registers, AmxTiles &tiles) { // Opcode 49
    if (in.of_registers()) {
        if (in.prefix() == Instruction::none && in.reg() == 0 && in.rm() == 0) tiles.release();
        else if (in.prefix() == Instruction::pF2 && in.rm() == 0) tiles.zero(in.reg());
        else return false;
        return true;
    }
    if (in.reg() != 0) return false;
    // An index here is one more part of the address.
    std::byte *at = in.address(registers) + in.stride(registers);
    if (in.prefix() == Instruction::none) tiles.load_config(at);
    else if (in.prefix() == Instruction::p66) tiles.store_config(at);
    else return false;
    return true;
}

bool run_move(const Instruction &in, const greg_t *registers, AmxTiles &tiles) { // Opcode 4B
    if (!in.has_sib()) return false;
    switch (in.prefix()) {
    case Instruction::pF2:
    case Instruction::p66: tiles.load(in.reg(), in.address(registers), in.stride(registers)); return true;
    case Instruction::pF3: tiles.store(in.reg(), in.address(registers), in.stride(registers)); return true;
    default: return false;
    }
}

bool run(const Instruction &in, const greg_t *registers, AmxTiles &tiles) {
    switch (in.opcode()) {
    case 0x49: return run_state(in, registers, tiles);
    case 0x4b: return run_move(in, registers, tiles);
    case 0x5c:
        if (!in.of_registers() || in.prefix() != Instruction::pF3) return false;
        tiles.multiply_bf16(in.reg(), in.rm(), in.third());
        return true;
    case 0x5e:
        if (!in.of_registers()) return false;
        tiles.multiply_bytes(in.reg(), in.rm(), in.third(),
                             {in.prefix() == Instruction::pF3 || in.prefix() == Instruction::pF2,
                              in.prefix() == Instruction::p66 || in.prefix() == Instruction::pF2});
        return true;
    default: return false;
    }
}

thread_local AmxTiles tiles_of_thread;
struct sigaction before;

void on_illegal_instruction(int, siginfo_t *, void *context) {
    greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
    const auto in = Instruction::decode(reinterpret_cast<const uint8_t *>(registers[REG_RIP]));
    if (in && run(*in, registers, tiles_of_thread)) registers[REG_RIP] += static_cast<greg_t>(in->size());
    else ::sigaction(SIGILL, &before, nullptr); // Illegal it is: the same again, for who was asked before.
}

} // namespace

void emulate_amx() {
    struct sigaction action{};
    action.sa_sigaction = on_illegal_instruction;
    action.sa_flags = SA_SIGINFO;
    struct sigaction found{};
    if (::sigaction(SIGILL, &action, &found) != 0) fault("no handler of illegal instructions");
    if (found.sa_sigaction != on_illegal_instruction) before = found;
}

} // namespace quant::test
