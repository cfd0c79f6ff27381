// What losses there are, human-readable and for programs.
#pragma once

#include <string>

namespace counterpoise {

std::string loss_list();
// The same as a JSON array with an object a loss.
std::string loss_list_json();

}  // namespace counterpoise
