// CPUs with VBMI look points up in registers where others gather them. Both are tested here, so that gathers are
// on machines that would not choose them.
#include "kernel/avx512vnni/panels.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"
#include "kernel/plane_tokens.h"
#include "kernel_test_support.h"
#include "machine/cpu_features.h"

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

using Product = void (*)(const PanelProduct &);

struct Ways {
    quant_encoding encoding;
    Product gathered, looked_up;
};

template <quant_encoding Encoding>
constexpr Ways ways{Encoding, avx512vnni::panel_of<Encoding>, avx512vnni::lookup_panel_of<Encoding>};

constexpr Ways all_ways[] = {ways<QUANT_IQ1_S>, ways<QUANT_IQ1_M>,   ways<QUANT_IQ2_XXS>, ways<QUANT_IQ2_XS>,
                             ways<QUANT_IQ2_S>, ways<QUANT_IQ3_XXS>, ways<QUANT_IQ3_S>};

} // namespace

TEST_CASE("points gathered and points looked up in registers give the definition's numbers") {
    const CpuFeatures &cpu = cpu_features();
    if (!cpu.avx512_vnni) return;
    Random random(61);
    for (const Ways &way : all_ways)
        for (size_t tokens = 1; tokens <= most_panel_tokens; tokens++) {
            const EncodingTraits &e = encoding_traits(way.encoding);
            const PanelShape shape = panel_shape(e.id);
            const size_t rows = 1 + random.below(panel_rows), cols = grid_columns * (1 + random.below(5));
            INFO(e.name << " tokens " << tokens << " rows " << rows << " columns " << cols << " seed "
                        << test::run_seed());
            const size_t row_bytes = cols / e.block_weights * e.block_bytes;
            const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
            test::Guarded<std::byte> panel(shape.bytes(cols));
            pack_panel(e.id, bytes.data(), row_bytes, rows, cols, panel.data());
            const auto x = random.normals(tokens * cols);
            PlaneTokens planes;
            planes.assign(shape.sums_group, x.data(), tokens, cols, cols);
            const auto on = [&](Product product) {
                std::vector<float> y(tokens * rows);
                product({panel.data(), cols, rows, planes.planes(), planes.plane_stride(), planes.scales(),
                         planes.sums(), planes.stretches(), planes.groups(), tokens, y.data(), rows});
                return y;
            };
            const auto defined = on(scalar_table().of(e).panel);
            REQUIRE(on(way.gathered) == defined);
            if (cpu.avx512_vbmi) REQUIRE(on(way.looked_up) == defined);
        }
}
