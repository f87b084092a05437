// "Did you mean": names at a small edit distance, or that hold what was typed.
#include "catalog/catalog.h"

#include "base/error.h"
#include "catalog/catalog_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace quant {

namespace {

constexpr size_t max_text_bytes = 512; // The longest name there can be.

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// Bytes to insert, delete, replace or swap with their neighbour to make `a` of `b`.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
    std::iota(previous.begin(), previous.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = previous[j - 1] + (a[i - 1] != b[j - 1]);
            current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
        }
        before.swap(previous);
        previous.swap(current);
    }
    return previous[b.size()];
}

} // namespace

std::vector<std::string> Catalog::near(std::string_view text, size_t limit) {
    if (text.empty() || text.size() > max_text_bytes) return {};
    const std::string wanted = lower_case(text);
    const size_t allowed = std::max<size_t>(1, wanted.size() / 3);

    std::vector<std::pair<size_t, std::string>> found;
    sqlite::Statement query(state_->db,
                            "SELECT name FROM models UNION ALL"
                            " SELECT m.name || ':' || v.name FROM variants v JOIN models m ON m.id = v.model_id");
    while (query.step()) {
        std::string name = query.text(0);
        const std::string candidate = lower_case(name);
        const size_t distance = edit_distance(wanted, candidate);
        if (distance <= allowed || candidate.find(wanted) != std::string::npos)
            found.emplace_back(distance, std::move(name));
    }
    std::sort(found.begin(), found.end());
    if (found.size() > limit) found.resize(limit);

    std::vector<std::string> out;
    for (auto &[distance, name] : found) out.push_back(std::move(name));
    return out;
}

} // namespace quant
