// Lists of all losses with their forms, parameters, defaults and sources. Safe to call from several threads.
#pragma once

#include <string>

#include "losses/registry.h"

namespace counterpoise {

// What a loss does, its forms, parameters with defaults and ranges, and source, as text to be read.
std::string loss_help(const LossInfo& loss);
// That of all losses.
std::string loss_list();
// A JSON array with one object per loss.
std::string loss_list_json();

}  // namespace counterpoise
