// Expressions into instructions. What can never end is left out, so that every place in
// the program can be finished from. Repetitions are written out; what is repeated and
// large becomes a subroutine first, so that nested counts add up and do not multiply.
#include "base/error.h"
#include "text/grammar.h"
#include "text/grammar_facts.h"
#include "text/grammar_program.h"

#include <unordered_map>

namespace quant {

namespace grammar {

namespace {

using Kind = Expression::Kind;

class Compiler {
public:
    explicit Compiler(const GrammarTree &tree)
        : tree_(tree),
          facts_(check_grammar(tree)),
          program_(std::make_unique<Program>()) {}

    std::unique_ptr<const Program> compile() {
        entry(tree_.rules()[tree_.root()].body);
        for (size_t next = 0; next < bodies_.size(); ++next) {
            entries_[bodies_[next]] = here();
            emit(bodies_[next]);
            put(Operation::leave);
        }
        link();
        classify_bytes();
        return std::move(program_);
    }

private:
    /// A call goes to the body of a rule, or to an expression of its own.
    void entry(ExpressionId body) {
        if (entries_.try_emplace(body, 0).second) bodies_.push_back(body);
    }

    uint32_t here() const { return static_cast<uint32_t>(program_->code.size()); }

    uint32_t put(Operation operation, uint32_t first = 0, uint32_t second = 0) {
        if (here() >= GrammarLimits::instructions)
            fail(QUANT_ERR_LIMIT, "grammar: compiles to more than {} instructions", GrammarLimits::instructions);
        program_->code.push_back({operation, first, second});
        return here() - 1;
    }

    void call(ExpressionId body) {
        entry(body);
        put(Operation::call, body);
    }

    void emit(ExpressionId id) {
        const Expression &e = tree_.at(id);
        switch (e.kind) {
        case Kind::text:
            for (const char c : e.text) put(Operation::byte, static_cast<uint8_t>(c));
            break;
        case Kind::chars:
            put(Operation::chars, node_of(id));
            break;
        case Kind::rule:
            call(tree_.rules()[e.rule].body);
            break;
        case Kind::sequence:
            for (const ExpressionId part : e.parts) emit(part);
            break;
        case Kind::choice:
            emit_choice(e);
            break;
        case Kind::repeat:
            emit_repeat(e);
            break;
        }
    }

    uint32_t node_of(ExpressionId id) {
        const auto [at, added] = nodes_.try_emplace(id, 0);
        if (added) at->second = program_->automaton.add(tree_.at(id).chars);
        return at->second;
    }

    void emit_choice(const Expression &e) {
        std::vector<ExpressionId> parts;
        for (const ExpressionId part : e.parts)
            if (facts_.finite[part]) parts.push_back(part);
        std::vector<uint32_t> ends;
        for (size_t i = 0; i < parts.size(); ++i) {
            const bool last = i + 1 == parts.size();
            const uint32_t split = last ? 0 : put(Operation::split, here() + 1);
            emit(parts[i]);
            if (last) break;
            ends.push_back(put(Operation::jump));
            program_->code[split].second = here();
        }
        for (const uint32_t end : ends) program_->code[end].first = here();
    }

    void emit_repeat(const Expression &e) {
        const ExpressionId what = e.parts[0];
        if (!facts_.finite[what] || e.max == 0) return;
        // A part that can be empty need not be there.
        const uint32_t min = facts_.nullable[what] ? 0 : e.min;
        const uint32_t copies = e.max == GrammarTree::unbounded ? min + 1 : e.max;
        constexpr uint32_t inline_weight = 4;
        const bool as_call = copies > 1 && tree_.at(what).weight > inline_weight;
        const auto one = [&] { as_call ? call(what) : emit(what); };
        for (uint32_t i = 0; i < min; ++i) one();
        if (e.max == GrammarTree::unbounded) {
            const uint32_t loop = put(Operation::split, here() + 1);
            one();
            put(Operation::jump, loop);
            program_->code[loop].second = here();
            return;
        }
        std::vector<uint32_t> exits;
        for (uint32_t i = min; i < e.max; ++i) {
            exits.push_back(put(Operation::split, here() + 1));
            one();
        }
        for (const uint32_t exit : exits) program_->code[exit].second = here();
    }

    uint32_t past_jumps(uint32_t at) const {
        while (program_->code[at].operation == Operation::jump) at = program_->code[at].first;
        return at;
    }

    // Calls hold the expression they mean until all of them have a place.
    void link() {
        for (uint32_t at = 0; at < here(); ++at) {
            Instruction &i = program_->code[at];
            if (i.operation == Operation::call) i.second = past_jumps(at + 1);
            if (i.operation == Operation::split) i.first = past_jumps(i.first), i.second = past_jumps(i.second);
        }
        for (Instruction &i : program_->code) {
            if (i.operation != Operation::call) continue;
            i.first = entries_.at(i.first);
            if (program_->code[i.second].operation == Operation::leave) i.operation = Operation::jump;
        }
    }

    void classify_bytes() {
        std::array<bool, 257> begins{};
        const auto range = [&](uint32_t first, uint32_t last) { begins[first] = begins[last + 1] = true; };
        for (const Instruction &i : program_->code)
            if (i.operation == Operation::byte) range(i.first, i.first);
        for (const ByteEdge &edge : program_->automaton.edges()) range(edge.first, edge.last);
        uint32_t current = 0;
        for (unsigned byte = 0; byte < 256; ++byte) {
            if (byte > 0 && begins[byte]) ++current;
            program_->byte_class[byte] = static_cast<uint8_t>(current);
        }
        program_->byte_classes = current + 1;
    }

    const GrammarTree &tree_;
    const GrammarFacts facts_;
    std::unique_ptr<Program> program_;
    std::unordered_map<ExpressionId, uint32_t> entries_, nodes_;
    std::vector<ExpressionId> bodies_; ///< To be compiled, in order.
};

} // namespace

} // namespace grammar

Grammar::Grammar(std::unique_ptr<const grammar::Program> program) : program_(std::move(program)) {}
Grammar::~Grammar() = default;

std::shared_ptr<const Grammar> Grammar::compile(const grammar::GrammarTree &tree) {
    return std::make_shared<const Grammar>(grammar::Compiler(tree).compile());
}

} // namespace quant
