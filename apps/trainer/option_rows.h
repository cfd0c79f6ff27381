// The options of training and evaluation, one row each: parsing, checks, --help and result.json are made from them. The
// parameters of losses are not here; they come from the losses' registry.
#pragma once

#include "apps/trainer/option_table.h"
#include "apps/trainer/options.h"

namespace counterpoise {

// How a command line and JSON write an augmentation; here, since more than one table has one. (In this namespace, where
// argument-dependent lookup finds them.)
namespace augment {
inline void read_option(const std::string& text, Policy& policy) { policy = parse_policy(text); }
inline std::string option_text(const Policy& policy) { return to_string(policy); }
}  // namespace augment

// Whether an optimizer has this hyper-parameter.
bool takes(const std::string& optimizer, const std::string& parameter);

// Adding an option: one field in struct Options, with its default, and one row here. `o` must outlive the table.
OptionTable option_rows(Options& o);

}  // namespace counterpoise
