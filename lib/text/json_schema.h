// Grammars of JSON documents: any, and those of a schema.
#pragma once

#include "base/json.h"
#include "text/grammar.h"

namespace quant {

/// The documents a JSON schema allows, written with little white space, properties in the
/// order of the schema. Where a schema leaves something open that it does not mention, the
/// grammar is narrower than it: keywords without a `type` imply theirs, properties besides
/// `properties` need an `additionalProperties`, items after `prefixItems` an `items` or
/// `minItems`; names and constants are spelled in one way; numbers have at most 18 digits
/// before the point where no bound says otherwise. It is never wider, but that an
/// additional name may come twice.
/// Throws Error that names the JSON pointer of the keyword: QUANT_ERR_ARGUMENT (not a
/// schema, or nothing matches), QUANT_ERR_UNSUPPORTED (cannot be expressed), QUANT_ERR_LIMIT.
GrammarPtr json_schema_grammar(const json::value &schema);

/// Any JSON object.
GrammarPtr any_json_grammar();

} // namespace quant
