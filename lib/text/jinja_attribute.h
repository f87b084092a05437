// The "attribute" that many filters take: a dotted path of names and numbers.
#pragma once

#include "text/jinja_native.h"

namespace quant::jinja {

class AttributePath {
public:
    /// `path` is a text or an integer; none or undefined: the item itself. `fallback`,
    /// which may be null, stands in for what an item lacks.
    AttributePath(Runtime &runtime, const Value &path, const Value *fallback = nullptr);
    Value get(Runtime &runtime, const Value &item) const;

private:
    Values keys_;
    const Value *fallback_;
};

} // namespace quant::jinja
