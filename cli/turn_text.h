// A turn of several lines: in """ marks, or with a backslash at the end of each line that goes on.
#pragma once

#include <string>

namespace quantctl {

class TurnText {
public:
    /// One more line; whether the turn is complete.
    bool add(const std::string &line);
    /// Whether there are lines of it already.
    bool begun() const { return begun_; }

    /// As the model is to have it: without marks.
    std::string text() const;
    /// As it was typed, for the history.
    const std::string &typed() const { return typed_; }

private:
    std::string typed_;
    bool begun_ = false, goes_on_ = false;
};

} // namespace quantctl
