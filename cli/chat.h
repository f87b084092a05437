// The chat line of run: what is typed becomes turns or commands.
#pragma once

#include "runner.h"

namespace quantctl {

class Chat {
public:
    explicit Chat(Runner &with) : runner(with) {}

    /// Until the user leaves, or the input ends.
    void run();

    /// For the commands.
    void answer_again();
    void leave() { leaving_ = true; }
    Runner &runner;

private:
    void take(const std::string &line);
    void answer();

    bool leaving_ = false;
};

} // namespace quantctl
