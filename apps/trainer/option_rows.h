// The options of training and evaluation, one row each: parsing, checks, --help and result.json are made from them. The
// parameters of losses are not here; they come from the losses' registry.
#pragma once

#include "apps/trainer/option_table.h"
#include "apps/trainer/options.h"

namespace counterpoise {

// Adding an option: one field in struct Options, with its default, and one row here. `o` must outlive the table.
OptionTable option_rows(Options& o);

}  // namespace counterpoise
