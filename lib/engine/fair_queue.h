// Who waits for a place: first come first served within a client, in turn among clients, so that one who
// asks for much does not keep others waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <utility>

namespace quant {

/// One thread at a time.
template <class T> class FairQueue {
public:
    size_t size() const { return size_; }
    size_t size_of(uint64_t client) const {
        for (const Line &line : lines_)
            if (line.client == client) return line.waiting.size();
        return 0;
    }

    void push(uint64_t client, T item) {
        size_++;
        for (Line &line : lines_)
            if (line.client == client) return line.waiting.push_back(std::move(item));
        lines_.push_back({client, {}});
        lines_.back().waiting.push_back(std::move(item));
    }

    /// The next of the client whose turn it is; its turn comes again after all others'.
    std::optional<T> pop() {
        if (lines_.empty()) return std::nullopt;
        T item = std::move(lines_.front().waiting.front());
        lines_.front().waiting.pop_front();
        size_--;
        if (lines_.front().waiting.empty())
            lines_.pop_front();
        else
            lines_.splice(lines_.end(), lines_, lines_.begin());
        return item;
    }

    /// Takes out the first item for which `matches` holds.
    template <class Matches> std::optional<T> take(const Matches &matches) {
        for (auto line = lines_.begin(); line != lines_.end(); ++line)
            for (auto item = line->waiting.begin(); item != line->waiting.end(); ++item) {
                if (!matches(*item)) continue;
                T out = std::move(*item);
                line->waiting.erase(item);
                size_--;
                if (line->waiting.empty()) lines_.erase(line);
                return out;
            }
        return std::nullopt;
    }

private:
    struct Line {
        uint64_t client;
        std::deque<T> waiting;
    };
    std::list<Line> lines_;
    size_t size_ = 0;
};

} // namespace quant
