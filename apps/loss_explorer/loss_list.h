// Lists of all losses with their forms, parameters, defaults and sources. Safe to call from several threads.
#pragma once

#include <string>

namespace counterpoise {

// Human-readable.
std::string loss_list();
// A JSON array with one object per loss.
std::string loss_list_json();

}  // namespace counterpoise
