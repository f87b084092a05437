// Where generated text ends: at the first of some strings, which does not belong to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// Text in, what is certain to come before every stop string out. Holds back what may yet become one.
class StopText {
public:
    /// Empty strings are passed over.
    explicit StopText(std::vector<std::string> stops);

    /// What can be shown now, after adding `text`. Nothing more once stopped().
    std::string push(std::string_view text);
    /// What was held back for a stop string that did not come.
    std::string finish();
    bool stopped() const { return stopped_; }

private:
    std::vector<std::string> stops_;
    std::string held_;
    bool stopped_ = false;
};

} // namespace quant
