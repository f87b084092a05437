// quantctl doctor: what this machine is, what is used of it and why, and its limits.
#include "failure.h"
#include "json_fields.h"
#include "numbers.h"
#include "output.h"
#include "owned_handles.h"
#include "verb.h"

namespace quantctl {

namespace {

struct DoctorOptions {
    bool kernels = false, as_json = false;
};

std::string joined(const json::array &names) {
    std::string out;
    for (const json::value &name : names) out += (out.empty() ? "" : " ") + text_of(name);
    return out.empty() ? "none" : out;
}

std::string per_second(double value, const char *unit) {
    return fmt::format("{} {}", fixed_or_dash(value * 1e-9, 1), unit);
}

void print_tier(const json::object &m) {
    const std::string why = m.at("forced").as_bool() ? "as QUANT_ISA says" : "the best there is";
    print("  tier           {}, {}; of {}\n", text_of(m.at("tier")), why, joined(m.at("tiers").as_array()));
    if (const json::value &amx = m.at("amx"); !amx.is_null()) print("  AMX            {}\n", harmless(text_of(amx)));
}

std::string gibibytes(double bytes) { return fixed_or_dash(bytes / (1 << 30), 1) + " GiB"; }

std::string counted(const json::value &count, const char *thing) {
    const auto n = count.to_number<int64_t>();
    return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

// Of machines with more than one.
std::string nodes_in_words(const json::array &nodes) {
    std::string out;
    for (size_t i = 0; nodes.size() > 1 && i < nodes.size(); i++) {
        const json::object &n = nodes[i].as_object();
        const json::value &bytes = n.at("bytes"), &workers = n.at("workers");
        out += fmt::format("{} node {}: {}{}{}", i == 0 ? ";" : ",", n.at("node").to_number<int64_t>(),
                           counted(n.at("cores"), "core"), workers.is_null() ? "" : ", " + counted(workers, "worker"),
                           bytes.is_null() ? "" : ", " + gibibytes(bytes.to_number<double>()));
    }
    return out;
}

void print_workers(const json::object &m) {
    const json::value &quota = m.at("cpu_quota");
    print("  workers        {} on {}{}, {}\n", m.at("workers").to_number<int64_t>(), counted(m.at("cores"), "core"),
          quota.is_null() ? "" : fmt::format(" with a quota of {}", quota.to_number<int64_t>()),
          counted(m.at("nodes"), "memory node"));
    print("  numa           {}{}\n", text_of(m.at("numa")), nodes_in_words(m.at("memory_nodes").as_array()));
}

void print_memory(const json::object &m) {
    const double read = m.at("read_bytes_per_second").to_number<double>();
    const double small = m.at("small_page_read_bytes_per_second").to_number<double>();
    const json::object &pages = m.at("huge_pages").as_object();
    const double share = pages.at("share").to_number<double>();
    print("  reading        {}, in pages of 4 KiB {}\n", per_second(read, "GB/s"), per_second(small, "GB/s"));
    print("  huge pages     {} % of what asks for them; the system's setting is {}\n", fixed_or_dash(share * 100, 0),
          text_of(pages.at("setting")));
    if (share < 0.9)
        note("Without huge pages reading is up to a fifth slower; the administrator allows them with: echo madvise > "
             "/sys/kernel/mm/transparent_hugepage/enabled");
}

void print_pack_cache(const json::value &value) {
    if (value.is_null()) return print("  pack cache     none: neither XDG_CACHE_HOME nor HOME is set\n");
    const json::object &c = value.as_object();
    const std::string folder = harmless(text_of(c.at("folder")));
    const std::string held = fmt::format("{} in {}", gibibytes(c.at("bytes").to_number<double>()),
                                         counted(c.at("packs"), "pack"));
    if (!c.at("on").as_bool())
        return print("  pack cache     off (QUANT_PACK_CACHE or --pack-cache turns it on); {} holds {}\n", folder, held);
    print("  pack cache     {}: {} of {} at most\n", folder, held, gibibytes(c.at("limit_bytes").to_number<double>()));
}

void print_kernels(const json::array &kernels) {
    Table table({{"ENCODING", Table::left}, {"DECODE", Table::left}, {"ONE TOKEN", Table::left},
                 {"MANY TOKENS", Table::left}}, 2);
    for (const json::value &value : kernels) {
        const json::object &k = value.as_object();
        const auto has = [&](const char *key) { return k.at(key).as_bool(); };
        table.add({text_of(k.at("encoding")), has("decode") ? "kernel" : "reference",
                   has("panels") ? "panels, 15-bit activations" : has("dot") ? "fused, float" : "decoded, float",
                   has("byte_products") ? "bytes" : has("bf16_products") ? "bfloat16" : "float"});
    }
    table.print();
}

void doctor(const DoctorOptions &options) {
    StringHandle text;
    check(quant_machine_describe(Out(text)));
    const json::object m = parse_document(text.get());
    if (options.as_json) return print_json(m);
    print("{}\n", bold(harmless(text_of(m.at("cpu")))));
    print("  instructions   {}\n", joined(m.at("features").as_array()));
    print_tier(m);
    print_workers(m);
    print_memory(m);
    print_pack_cache(m.at("pack_cache"));
    const double products = m.at("byte_products_per_second").to_number<double>();
    if (products > 0) print("  multiplying    {} of bytes\n", per_second(products, "G products/s"));
    const double of_bf16 = m.at("bf16_products_per_second").to_number<double>();
    if (of_bf16 > 0) print("                 {} of bfloat16\n", per_second(of_bf16, "G products/s"));
    if (options.kernels) print_kernels(m.at("kernels").as_array());
}

} // namespace

Action add_doctor(CLI::App &app) {
    auto o = std::make_shared<DoctorOptions>();
    app.add_flag("--kernels", o->kernels, "List what multiplies with each encoding");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { doctor(*o); };
}

} // namespace quantctl
