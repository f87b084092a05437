// docs/formats.md, made of the tables of the code: formats_document writes it, formats_document FILE checks that it is that.
#include "container/checkpoint.h"
#include "container/checkpoint_format.h"
#include "encoding/relay.h"

#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>

using namespace quant;

namespace {

// Encodings that differ in how many weights a scale is for are one line.
std::string family_of(std::string name) {
    const size_t g = name.find("_G");
    return g == name.npos ? name : name.substr(0, g) + "_Gg";
}

std::string read_part() {
    std::string out = "## Read, and run\n\n"
                      "GGUF files of every type in quant-types(7), and Hugging Face folders of F32, F16 and BF16, are read as they "
                      "are. Quantized checkpoints are known by quant_method in config.json (MLX by its key \"quantization\"). Each "
                      "matrix becomes an encoding that holds its numbers exactly, and runs as that; where there is none (a group "
                      "of an odd size, scales that are no halves), it becomes F32, and a warning says so.\n\n"
                      "| quant_method | read | runs as | tested against |\n|---|---|---|---|\n";
    for (const DialectInfo &d : checkpoint_dialects())
        out += fmt::format("| {} | {} | {} | {} |\n", d.method, d.kinds, d.becomes, d.tested);
    return out + "\nActivations that a checkpoint wants rounded (W8A8, FP8) are rounded as all others are here, to 8 bits in "
                 "blocks of 32; a line of the log says so.\n";
}

std::string written_part() {
    std::string out = "\n## Written\n\n`quantctl convert IN OUT --to FORMAT`, or as the type of quant_plan_new(). A Hugging Face "
                      "folder or a GGUF file becomes a folder; gguf:TYPE makes a GGUF file of either.\n\n"
                      "| FORMAT | what it is |\n|---|---|\n| gguf:TYPE | GGUF, of a type mix of quant-types(7) |\n";
    for (const CheckpointKind &k : checkpoint_kinds()) {
        std::string form = k.form;
        for (size_t at = 0; (at = form.find('|', at)) != form.npos; at += 2) form.insert(at, 1, '\\');
        out += fmt::format("| {} | {} |\n", form, k.summary);
    }
    return out;
}

std::string exact_part() {
    std::string out = "\n## Exact conversions\n\nWithout the change of a weight, where the numbers allow it: scales of neighbouring "
                      "groups are alike where the other encoding has wider groups, zero points are where it has them, codes have "
                      "room. All become F32 and themselves. What does not go is refused, unless `--allow-requantize` is given.\n\n"
                      "| from | may become |\n|---|---|\n";
    std::map<std::string, std::string> rows;
    std::vector<std::string> order;
    for (const EncodingTraits &from : encodings()) {
        std::string others, last;
        for (const EncodingTraits &to : encodings()) {
            const std::string name = family_of(to.name);
            if (to.id == QUANT_F32 || name == last || name == family_of(from.name) || !may_relay(from, to)) continue;
            others += (others.empty() ? "" : ", ") + (last = name);
        }
        if (others.empty() || !rows.try_emplace(family_of(from.name), others).second) continue;
        order.push_back(family_of(from.name));
    }
    for (const std::string &name : order) out += fmt::format("| {} | {} |\n", name, rows[name]);
    return out;
}

std::string document() {
    return "# Formats\n\nThis page is made of the tables of the code (tests/container/formats_document.cpp), and a test holds "
           "it to them.\n\n" + read_part() + written_part() + exact_part();
}

} // namespace

int main(int argc, char **argv) {
    const std::string made = document();
    if (argc < 2) return std::fwrite(made.data(), 1, made.size(), stdout) == made.size() ? 0 : 1;
    std::ifstream in(argv[1], std::ios::binary);
    std::stringstream found;
    found << in.rdbuf();
    if (found.str() == made) return 0;
    std::fprintf(stderr, "%s is not what the code says: write it anew with formats_document\n", argv[1]);
    return 1;
}
